{{/*
Security contexts. Untrusted roles get nothing. The KMS is root inside its TEE, because the kernel gives reports to root
only, and has no capability. The enclave gives every engine, and the own app, a uid and namespaces of its own.
*/}}

{{- define "sotto.hasApp" -}}
{{- if get .settings "app" -}}true{{- end -}}
{{- end -}}

{{- define "sotto.podSecurityContext" -}}
{{- $context := dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "fsGroup" 65532 "fsGroupChangePolicy" "OnRootMismatch" -}}
{{- if .measured -}}
{{- $context = dict "runAsNonRoot" false "runAsUser" 0 "runAsGroup" 0 -}}
{{- end -}}
{{- $seccomp := dict "type" "RuntimeDefault" -}}
{{- /* Default profiles refuse pivot_root(2) whatever capabilities there are; the app's root is made with it. */ -}}
{{- if and (eq .name "enclave") (include "sotto.hasApp" .) -}}
{{- $seccomp = dict "type" "Unconfined" -}}
{{- end -}}
{{- toYaml (mergeOverwrite (merge $context (dict "seccompProfile" $seccomp)) (deepCopy .values.podSecurityContext)) -}}
{{- end -}}

{{- define "sotto.securityContext" -}}
{{- $context := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" (dict "drop" (list "ALL")) -}}
{{- if .measured -}}
{{- /* The default profile refuses every write below /sys, and reports are asked for in /sys/kernel/config. */ -}}
{{- $_ := set $context "appArmorProfile" (dict "type" "Unconfined") -}}
{{- end -}}
{{- if eq .name "enclave" -}}
{{- $add := list "KILL" "SETGID" "SETPCAP" "SETUID" "SYS_ADMIN" -}}
{{- if include "sotto.hasApp" . -}}
{{- $add = concat $add (list "DAC_OVERRIDE" "NET_ADMIN" "SYS_CHROOT") -}}
{{- end -}}
{{- $_ := set $context "capabilities" (dict "drop" (list "ALL") "add" ($add | sortAlpha)) -}}
{{- /* Kubernetes takes no other value beside SYS_ADMIN. Engines set no_new_privs for themselves. */ -}}
{{- $_ := set $context "allowPrivilegeEscalation" true -}}
{{- end -}}
{{- toYaml (mergeOverwrite $context (deepCopy .values.securityContext)) -}}
{{- end -}}
