package resource

import (
	"fmt"
	"os"
	"strings"
)

// Stamp returns a text that differs when Load of the same paths would read
// something else: another file, or a file that was replaced or written to. It
// looks at names, sizes and times only, follows symbolic links as Load does, and
// is cheap enough to be asked every second. Unlike the notifications of an
// operating system, it also notices a folder that was deleted and made again, a
// link that points elsewhere, and changes on a network file system.
func Stamp(paths ...string) string {
	var b strings.Builder
	for _, path := range paths {
		files, errs := expand(path)
		for _, err := range errs {
			fmt.Fprintln(&b, err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				fmt.Fprintln(&b, err)
				continue
			}
			fmt.Fprintln(&b, file, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	return b.String()
}
