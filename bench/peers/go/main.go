// Usage: peer snp <report> <leaf.der> <ask_ark.pem> <unix seconds> <seconds to measure>
//        peer tdx <quote> <collateral.json> <unix seconds> <seconds to measure>
// Prints microseconds of CPU per verification, nothing for 0 seconds. Exits with 0 where the evidence verifies.
package main

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	sevabi "github.com/google/go-sev-guest/abi"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	sevverify "github.com/google/go-sev-guest/verify"
	tdxabi "github.com/google/go-tdx-guest/abi"
	tdxverify "github.com/google/go-tdx-guest/verify"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(name string) []byte {
	bytes, err := os.ReadFile(name)
	check(err)
	return bytes
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	check(err)
	return value
}

func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func measure(seconds float64, once func() error) {
	check(once())
	start, begin, count := cpu(), time.Now(), 0
	for time.Since(begin).Seconds() < seconds {
		check(once())
		count++
	}
	if count == 0 {
		return
	}
	fmt.Printf("{\"microseconds\":%.1f}\n", float64((cpu()-start).Nanoseconds())/1000/float64(count))
}

// recorded answers requests to Intel's service from recorded collateral.
type recorded map[string]string

func (r recorded) Get(address string) (map[string][]string, []byte, error) {
	chain := func(name, from string) map[string][]string {
		return map[string][]string{name: {url.QueryEscape(r[from])}}
	}
	switch {
	case strings.Contains(address, "/tcb?"):
		body := fmt.Sprintf(`{"tcbInfo":%s,"signature":"%s"}`, r["tcb_info"], r["tcb_info_signature"])
		return chain("Tcb-Info-Issuer-Chain", "tcb_info_issuer_chain"), []byte(body), nil
	case strings.Contains(address, "/qe/identity"):
		body := fmt.Sprintf(`{"enclaveIdentity":%s,"signature":"%s"}`, r["qe_identity"], r["qe_identity_signature"])
		return chain("Sgx-Enclave-Identity-Issuer-Chain", "qe_identity_issuer_chain"), []byte(body), nil
	case strings.Contains(address, "pckcrl"):
		body, err := hex.DecodeString(r["pck_crl"])
		return chain("Sgx-Pck-Crl-Issuer-Chain", "pck_crl_issuer_chain"), body, err
	default:
		body, err := hex.DecodeString(r["root_ca_crl"])
		return nil, body, err
	}
}

func main() {
	args := os.Args[2:]
	switch os.Args[1] {
	case "snp":
		raw, leaf, chain := read(args[0]), read(args[1]), read(args[2])
		ask, rest := pem.Decode(chain)
		ark, _ := pem.Decode(rest)
		options := sevverify.DefaultOptions()
		options.DisableCertFetching = true
		options.Now = time.Unix(int64(number(args[3])), 0)
		measure(number(args[4]), func() error {
			report, err := sevabi.ReportToProto(raw)
			if err != nil {
				return err
			}
			return sevverify.SnpAttestation(&spb.Attestation{Report: report, CertificateChain: &spb.CertificateChain{
				VcekCert: leaf, AskCert: ask.Bytes, ArkCert: ark.Bytes}}, options)
		})
	case "tdx":
		raw := read(args[0])
		collateral := recorded{}
		check(json.Unmarshal(read(args[1]), &collateral))
		options := tdxverify.DefaultOptions()
		options.CheckRevocations, options.GetCollateral, options.Getter = true, true, collateral
		options.Now = time.Unix(int64(number(args[2])), 0)
		measure(number(args[3]), func() error {
			quote, err := tdxabi.QuoteToProto(raw)
			if err != nil {
				return err
			}
			return tdxverify.TdxQuote(quote, options)
		})
	}
}
