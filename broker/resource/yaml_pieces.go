package resource

import (
	"bytes"
	"cmp"
	"runtime"
	"sync"
	"sync/atomic"
)

// A document of ten thousand rules is one long block sequence, and the library
// takes most of the time for it. So such a sequence is cut at its entries
// into pieces, which the library reads side by side:
//
//   - the rest is the text in which the lines of the pieces are empty, so that
//     every other line keeps its number. It holds the first entry of the
//     sequence, at least the last one, and everything around them;
//   - a piece holds some of the entries between, indented as they are, so that
//     every column stays.
//
// The tree is that of the rest, with the entries of the pieces behind the first
// one. If the library or the conversion has anything to say about any part, all is
// thrown away and the text is read as a whole: every error is one of the whole
// text. Why the tree is the one of the whole text:
//
// (1) At the start of a line that is cut no bracket, no quoted text and no block
// scalar is open. A character that opens one does so only as the first one of a
// token, and the lines up to the last cut are those of [yamlLine]: the value of a
// line is closed where the line ends, and holds nothing behind which a further
// token could begin. That is true too if the line goes on with a plain scalar of
// a line above. The scalar takes a whole line without a key, or the line up to
// the colon of the key, behind which the value stands as ever.
//
// (2) So all the state that the scanner has there is its stack of indentations,
// and perhaps a plain scalar. The sequence has begun at indentation N, where the
// tree of the rest shows it, and since then no line but comments and blank lines
// was indented by less, and all that were by N have begun with "- ". So the stack
// reaches N or higher. A plain scalar within an entry goes on only in lines that
// are indented by more than N; so it ends at a line that is cut, as it does at
// the end of a piece, and the stack is unrolled to N in every part alike.
//
// (3) The tokens of a piece are then those of the whole text, and behind "- " at
// the indentation of the open sequence the parser is in one state always, however
// many entries came before. What would set apart the entries of a sequence at the
// indentation of its parent, "? " and ":" in place of a key, is in no such line.
//
// (4) No anchor is in a piece, nor an alias, nor a directive, and a document marker
// ends the sequence. A piece has its sequence at the root, so the depth that it
// may have is smaller by the most that may be around the sequence: a mapping at
// each indentation up to N.

// Sizes, in bytes. A small file is read in no time as a whole.
const (
	minCutFile  = 256 << 10
	minCutPiece = 64 << 10
)

// parseYAMLPieces reads a YAML text in pieces of at least size bytes. It reports
// false if there is nothing to cut, and if anything about the text is wrong.
func parseYAMLPieces(data []byte, size int) (roots []*node, ok bool) {
	run := longestRun(data, size)
	if run.size() == 0 {
		return nil, false
	}
	pieces := run.split(data)
	trees := make([][]*node, len(pieces))
	var next atomic.Int32
	var wrong atomic.Bool
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(pieces) && !wrong.Load(); i = int(next.Add(1)) - 1 {
				var d decoder
				trees[i], _ = d.parseYAMLStream(pieces[i].text, pieces[i].line, pieces[i].depth)
				if len(d.errors) > 0 {
					wrong.Store(true)
				}
			}
		})
	}
	wait.Wait()
	if wrong.Load() {
		return nil, false
	}
	return trees[0], run.join(trees[0], trees[1:])
}

// yamlPiece is a part of a text. It begins behind a number of lines.
type yamlPiece struct {
	text        []byte
	line, depth int
}

// yamlRun is a block sequence, as its lines show it.
type yamlRun struct {
	first place     // of its first "-"; the zero value is no sequence
	cuts  []yamlCut // at its second entry and some further ones
}

// yamlCut is the start of a line.
type yamlCut struct{ offset, line int }

// longestRun returns the sequence that has the most text between its cuts. A
// sequence within another is no candidate.
func longestRun(data []byte, size int) yamlRun {
	var longest, run yamlRun
	at := yamlCut{}
	for at.offset < len(data) {
		text, _, _ := bytes.Cut(data[at.offset:], []byte("\n"))
		indent, entry, ok := yamlLine(text)
		if !ok {
			break
		}
		switch column := int32(indent + 1); {
		case run.first != place{} && column > run.first.column:
		case run.first != place{} && column == run.first.column && entry:
			run.cut(at, size)
		default:
			longest, run = longest.orLonger(run), yamlRun{}
			if entry {
				run.first = place{int32(at.line + 1), column}
			}
		}
		at = yamlCut{at.offset + len(text) + 1, at.line + 1}
	}
	return longest.orLonger(run)
}

// cut cuts at an entry, unless the piece in front of it would be too small.
func (r *yamlRun) cut(at yamlCut, size int) {
	if len(r.cuts) == 0 || at.offset-r.cuts[len(r.cuts)-1].offset >= size {
		r.cuts = append(r.cuts, at)
	}
}

func (r yamlRun) orLonger(other yamlRun) yamlRun {
	if other.size() > r.size() {
		return other
	}
	return r
}

// size returns how many bytes are cut out.
func (r yamlRun) size() int {
	if len(r.cuts) == 0 {
		return 0
	}
	return r.cuts[len(r.cuts)-1].offset - r.cuts[0].offset
}

// split returns the rest, and the pieces behind it.
func (r yamlRun) split(data []byte) []yamlPiece {
	begin, end := r.cuts[0], r.cuts[len(r.cuts)-1]
	rest := bytes.Clone(data[:begin.offset])
	rest = append(rest, bytes.Repeat([]byte("\n"), end.line-begin.line)...)
	rest = append(rest, data[end.offset:]...)
	pieces := []yamlPiece{{rest, 0, maxDepth}}
	for i, from := range r.cuts[:len(r.cuts)-1] {
		text := data[from.offset:r.cuts[i+1].offset]
		pieces = append(pieces, yamlPiece{text, from.line, maxDepth - int(r.first.column)})
	}
	return pieces
}

// join puts the entries of the pieces behind the first one of the sequence,
// which is somewhere in the trees of the rest. It reports whether all is as the
// lines have shown it.
func (r yamlRun) join(rest []*node, pieces [][]*node) bool {
	var sequence *node
	for _, root := range rest {
		sequence = cmp.Or(sequence, sequenceAt(root, r.first))
	}
	if sequence == nil || len(sequence.elements) < 2 {
		return false
	}
	elements := sequence.elements[:1:1]
	for i, roots := range pieces {
		begin := place{int32(r.cuts[i].line + 1), r.first.column}
		if len(roots) != 1 || roots[0].kind != sequenceNode || roots[0].pos != begin {
			return false
		}
		elements = append(elements, roots[0].elements...)
	}
	sequence.elements = append(elements, sequence.elements[1:]...)
	return true
}

// sequenceAt returns the sequence at a place that is within no other sequence,
// or nil.
func sequenceAt(n *node, at place) *node {
	if n.kind == sequenceNode && n.pos == at {
		return n
	}
	for _, p := range n.pairs {
		if found := sequenceAt(p.value, at); found != nil {
			return found
		}
	}
	return nil
}
