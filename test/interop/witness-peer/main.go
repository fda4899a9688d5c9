// Runs litewitness, a witness of C2SP tlog-witness that is none of ours, with a key of its own, for tests that have it
// cosign our log. litewitness asks an ssh-agent for signatures: this is one, for one key, until it ends.
//
//	witness-peer FOLDER [FLAG...]    agent.sock and whatever litewitness keeps, in FOLDER; the flags are litewitness's
//
// witnessctl, which tells litewitness of logs, needs a module that is not to be had everywhere: the test writes its two
// rows itself.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	folder := os.Args[1]
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(err)
	signer, err := ssh.NewSignerFromKey(private)
	check(err)
	keyring := agent.NewKeyring()
	check(keyring.Add(agent.AddedKey{PrivateKey: private}))
	socket := filepath.Join(folder, "agent.sock")
	listener, err := net.Listen("unix", socket)
	check(err)
	go serve(listener, keyring)

	own, err := os.Executable()
	check(err)
	flags := []string{"-ssh-agent", socket, "-key", ssh.FingerprintSHA256(signer.PublicKey()),
		"-db", filepath.Join(folder, "litewitness.db")}
	command := exec.Command(filepath.Join(filepath.Dir(own), "litewitness"), append(flags, os.Args[2:]...)...)
	command.Stderr = os.Stderr
	check(command.Start())
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ended
		_ = command.Process.Signal(os.Interrupt)
	}()
	check(command.Wait())
}

func serve(listener net.Listener, keyring agent.Agent) {
	for {
		connection, err := listener.Accept()
		check(err)
		go func() { _ = agent.ServeAgent(keyring, connection) }()
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
