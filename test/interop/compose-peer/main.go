// Reads a compose file as Docker Compose does, with the loader of the Compose Specification, for tests that compare with it.
//
//	peer FILE [PROFILE...]    the project as JSON: what these profiles start, with every path, default and secret resolved
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	// Without this process's environment: a file that needed some of it would be another one elsewhere.
	options, err := cli.NewProjectOptions([]string{os.Args[1]}, cli.WithProfiles(os.Args[2:]))
	check(err)
	project, err := options.LoadProject(context.Background())
	check(err)
	text, err := project.MarshalJSON()
	check(err)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
