package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/Microsoft/hcsshim/ext4/tar2ext4"
)

// Reads tars, each behind its length in four bytes, and prints the root hash of each or why it has none.
func layers() {
	for {
		var length uint32
		if err := binary.Read(os.Stdin, binary.BigEndian, &length); err != nil {
			return
		}
		tar := io.LimitReader(os.Stdin, int64(length))
		hash, err := tar2ext4.ConvertAndComputeRootDigest(tar)
		_, _ = io.Copy(io.Discard, tar)
		if err != nil {
			fmt.Printf("error: %q\n", err.Error())
		} else {
			fmt.Println(hash)
		}
	}
}
