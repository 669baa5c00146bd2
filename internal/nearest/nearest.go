// Package nearest proposes a word in place of a misspelt one.
package nearest

import "strings"

// Word returns the known word that was probably meant by another one, or "" if
// none is near: one that differs in letter case only, else one with the fewest
// bytes to insert, delete or replace, at most two, and fewer in short words.
func Word(word string, known []string) string {
	best, least := "", min(3, 1+len(word)/3)
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		if strings.EqualFold(word, k) {
			return k
		}
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or replace that turn a into b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
