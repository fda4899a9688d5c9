package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// Reads the image of a layout, every layer of it, and prints its digest.
func image(folder string) {
	index, err := layout.ImageIndexFromPath(folder)
	check(err)
	check(validate.Index(index))
	manifest, err := index.IndexManifest()
	check(err)
	fmt.Println(manifest.Manifests[0].Digest)
}

// Serves a registry in memory until standard input ends; prints where.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr())
	handler := registry.New(registry.Logger(log.New(os.Stderr, "", 0)))
	go func() { check(http.Serve(listener, handler)) }()
	_, _ = os.Stdin.Read(make([]byte, 1))
}
