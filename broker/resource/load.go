package resource

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads files and folders into one set. In a folder it reads the files
// whose names end in .yaml, .yml or .json, in the order of their names; it
// follows symbolic links, as in a mounted ConfigMap, skips names that begin
// with a dot, and does not descend. A file that is met twice is read once.
//
// If anything is wrong the set is nil and the error is of type [Errors]: all
// errors of all files (LINK-8). References to objects that are in no file are
// no errors, see [Set.Missing].
func Load(paths ...string) (*Set, error) {
	if len(paths) == 0 {
		return nil, Errors{{Detail: "resource: no file or folder given"}}
	}
	set := &Set{}
	var errs Errors
	seen := map[string]bool{}
	for _, path := range paths {
		files, problems := expand(path)
		errs = append(errs, problems...)
		for _, file := range files {
			if seen[file] {
				continue
			}
			seen[file] = true
			errs = append(errs, set.readFile(file)...)
		}
	}
	return set.finish(errs)
}

// Parse reads the documents of one file into a set: one JSON value if the name
// of the file ends in .json, a stream of YAML documents otherwise. The name is
// used in positions; nothing is opened. Errors are as those of [Load].
func Parse(file string, data []byte) (*Set, error) {
	d := decoder{file: file, set: &Set{}}
	d.decode(data)
	return d.set.finish(d.errors)
}

// Merge puts sets together, in their order, and does not change them. Links
// between their objects are found. The error, if any, is of type [Errors], and
// there is no set then.
func Merge(sets ...*Set) (*Set, error) {
	all := &Set{}
	for _, s := range sets {
		all.Brokers = append(all.Brokers, s.Brokers...)
		all.Listeners = append(all.Listeners, s.Listeners...)
		all.Authentications = append(all.Authentications, s.Authentications...)
		all.Authorizations = append(all.Authorizations, s.Authorizations...)
		all.ConfigMaps = append(all.ConfigMaps, s.ConfigMaps...)
		all.Secrets = append(all.Secrets, s.Secrets...)
	}
	return all.finish(nil)
}

// finish finds the links between objects, and adds the errors that need the
// whole set.
func (s *Set) finish(errs Errors) (*Set, error) {
	s.link()
	errs = append(errs, s.Check()...)
	if len(errs) > 0 {
		errs.Sort()
		return nil, errs
	}
	return s, nil
}

// expand returns the files that a path stands for.
func expand(path string) ([]string, Errors) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Errors{fileError(path, err)}
	}
	if !info.IsDir() {
		return []string{filepath.Clean(path)}, nil
	}
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, Errors{fileError(path, err)}
	}
	var files []string
	var errs Errors
	for _, e := range entries {
		if !isDocument(e.Name()) {
			continue
		}
		file := filepath.Join(path, e.Name())
		info, err := os.Stat(file) // follows links
		switch {
		case err != nil:
			errs = append(errs, fileError(file, err))
		case info.IsDir():
		case !info.Mode().IsRegular():
			errs = append(errs, fileError(file, errors.New("not a regular file")))
		default:
			files = append(files, file)
		}
	}
	if len(files)+len(errs) == 0 {
		errs = Errors{fileError(path, errors.New("folder has no file that ends in .yaml, .yml or .json"))}
	}
	return files, errs
}

func isDocument(name string) bool {
	known := []string{".yaml", ".yml", ".json"}
	return !strings.HasPrefix(name, ".") && slices.Contains(known, strings.ToLower(filepath.Ext(name)))
}

// readFile adds the documents of a file to the set and returns its errors.
func (s *Set) readFile(file string) Errors {
	data, problem := readWhole(file)
	if problem != nil {
		return Errors{problem}
	}
	d := decoder{file: file, set: s}
	d.decode(data)
	return d.errors
}

// fileError tells that a file or folder could not be read at all.
func fileError(path string, err error) *Error {
	detail := err
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		path, detail = inPath.Path, inPath.Err
	}
	return &Error{Position: Position{File: path}, Detail: detail.Error(), Err: err}
}
