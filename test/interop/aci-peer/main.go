// Answers as Microsoft's own code does, for tests that compare with it.
//
//	peer layers             tars on standard input, root hashes on standard output
//	peer image FOLDER       the digest of an OCI layout that is whole
//	peer registry           a registry, until standard input ends
//	peer policies FOLDER    requests of a host on standard input, answers of the guest on standard output
package main

import "os"

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "layers":
		layers()
	case len(os.Args) == 3 && os.Args[1] == "image":
		image(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "registry":
		serve()
	case len(os.Args) == 3 && os.Args[1] == "policies":
		policies(os.Args[2])
	default:
		os.Exit(2)
	}
}
