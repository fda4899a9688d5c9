package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

type object = map[string]any

// A container that the host asks the guest for, under a policy.
type request struct {
	Policy          string   `json:"policy"`
	Layers          []string `json:"layers"`
	Command         []string `json:"command"`
	Env             []string `json:"env"`
	WorkingDir      string   `json:"workingDir"`
	Mounts          []object `json:"mounts"`
	Privileged      bool     `json:"privileged"`
	NoNewPrivileges bool     `json:"noNewPrivileges"`
	User            string   `json:"user"`
	Group           string   `json:"group"`
	Capabilities    []string `json:"capabilities"`
	Exec            []string `json:"exec"`
	Signal          int      `json:"signal"`
}

// What the guest answers.
type answer struct {
	Allowed bool   `json:"allowed"`
	Step    string `json:"step"`
	Reason  any    `json:"reason"`
	Env     any    `json:"env"`
	Stdio   any    `json:"stdio"`
}

// Microsoft's framework, as its guest agent loads it beside a policy.
type guest struct {
	framework, api string
	metadata       object
	policy         string
}

// Reads requests as JSON lines, answers each. The folder is that of hcsshim's pkg/securitypolicy.
func policies(folder string) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		check(err)
		return strings.TrimSpace(string(text))
	}
	versions := strings.NewReplacer("@@API_VERSION@@", read("version_api"), "@@FRAMEWORK_VERSION@@", read("version_framework"))
	framework, api := versions.Replace(read("framework.rego")), versions.Replace(read("api.rego"))
	decoder, encoder := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for decoder.More() {
		var asked request
		check(decoder.Decode(&asked))
		g := guest{framework: framework, api: api, policy: asked.Policy, metadata: object{
			"operatingsystem": object{"ostype": "linux"},
		}}
		check(encoder.Encode(g.start(asked)))
	}
}

// The steps by which a host starts a container.
func (g *guest) start(asked request) answer {
	id := strings.Repeat("ab", 32)
	paths := []string{}
	for index, layer := range asked.Layers {
		path := fmt.Sprintf("/run/mounts/scsi/m%d", index)
		if _, reason := g.enforce("mount_device", object{
			"target": path, "deviceHash": layer, "mountPathRegex": "/run/mounts/scsi/m[0-9]+",
		}); reason != nil {
			return answer{Step: "mount_device", Reason: reason}
		}
		// The topmost layer comes first.
		paths = append([]string{path}, paths...)
	}
	target := "/run/gcs/c/" + id + "/rootfs"
	if _, reason := g.enforce("mount_overlay", object{"containerID": id, "layerPaths": paths, "target": target}); reason != nil {
		return answer{Step: "mount_overlay", Reason: reason}
	}
	capabilities := object{
		"bounding": asked.Capabilities, "effective": asked.Capabilities, "permitted": asked.Capabilities,
		"inheritable": []string{}, "ambient": []string{},
	}
	process := object{
		"containerID": id, "argList": asked.Command, "envList": asked.Env, "workingDir": asked.WorkingDir,
		"noNewPrivileges": asked.NoNewPrivileges, "umask": "0022", "capabilities": capabilities,
		"user":   object{"id": asked.User, "name": ""},
		"groups": []object{{"id": asked.Group, "name": ""}},
	}
	create := object{
		"mounts": asked.Mounts, "devices": []object{}, "privileged": asked.Privileged, "seccompProfileSHA256": "",
		"isSandboxContainer": false, "sandboxDir": "/run/gcs/c/" + id + "/sandboxMounts",
		"hugePagesDir": "/run/gcs/c/" + id + "/hugepages",
	}
	created, reason := g.enforce("create_container", with(process, create))
	if reason != nil {
		return answer{Step: "create_container", Reason: reason}
	}
	if asked.Signal != 0 {
		if _, reason := g.enforce("signal_container_process", object{
			"containerID": id, "signal": asked.Signal, "isInitProcess": true, "argList": []string{},
		}); reason != nil {
			return answer{Step: "signal_container_process", Reason: reason}
		}
	}
	if len(asked.Exec) > 0 {
		if _, reason := g.enforce("exec_in_container", with(process, object{"argList": asked.Exec})); reason != nil {
			return answer{Step: "exec_in_container", Reason: reason}
		}
	}
	return answer{Allowed: true, Env: created["env_list"], Stdio: created["allow_stdio_access"]}
}

// Asks a rule of the policy, and remembers what it says is to be remembered. The reason is nil where it is allowed.
func (g *guest) enforce(rule string, input object) (object, any) {
	result, err := g.query("data.policy."+rule, input)
	if err != nil {
		return nil, err.Error()
	}
	if allowed, _ := result["allowed"].(bool); !allowed {
		input["rule"] = rule
		reason, err := g.query("data.policy.reason", input)
		if err != nil {
			return nil, err.Error()
		}
		return nil, reason
	}
	commands, _ := result["metadata"].([]any)
	for _, each := range commands {
		command := each.(object)
		name, key := command["name"].(string), command["key"].(string)
		values, ok := g.metadata[name].(object)
		if !ok {
			values = object{}
			g.metadata[name] = values
		}
		if command["action"] == "remove" {
			delete(values, key)
		} else {
			values[key] = command["value"]
		}
	}
	return result, nil
}

func (g *guest) query(query string, input object) (object, error) {
	for _, name := range []string{"devices", "rw_devices", "matches", "started", "overlayTargets", "p9mounts", "issuers"} {
		if g.metadata[name] == nil {
			g.metadata[name] = object{}
		}
	}
	data := object{
		"metadata": g.metadata, "defaultMounts": []object{}, "privilegedMounts": []object{},
		"sandboxPrefix": "sandbox://", "hugePagesPrefix": "hugepages://", "plan9Prefix": "plan9://",
		"defaultUnprivilegedCapabilities": []string{}, "defaultPrivilegedCapabilities": []string{},
	}
	// Frameworks before 0.5 are written in the older language, which says `if` nowhere.
	version := ast.RegoV1
	if !strings.Contains(g.framework, " if {") {
		version = ast.RegoV0
	}
	results, err := rego.New(
		rego.Query(query), rego.Input(input), rego.Store(inmem.NewFromObject(data)), rego.SetRegoVersion(version),
		rego.Module("policy.rego", g.policy), rego.Module("framework.rego", g.framework), rego.Module("api.rego", g.api),
	).Eval(context.Background())
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return object{}, nil
	}
	result, _ := results[0].Expressions[0].Value.(object)
	return result, nil
}

func with(one, other object) object {
	all := object{}
	for _, each := range []object{one, other} {
		for name, value := range each {
			all[name] = value
		}
	}
	return all
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
