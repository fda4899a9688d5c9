{{/* What a kind of TEE asks of nodes: labels as Node Feature Discovery, AKS and the device plugin of AWS set them. */}}
{{- define "sotto.teeLabels" -}}
{{- if .Values.tee.nodeSelector -}}
{{- toYaml .Values.tee.nodeSelector -}}
{{- else if .Values.tee.selectNodes -}}
{{- if eq .Values.tee.type "snp" -}}
feature.node.kubernetes.io/cpu-security.sev.snp.enabled: "true"
{{- else if eq .Values.tee.type "tdx" -}}
feature.node.kubernetes.io/cpu-security.tdx.enabled: "true"
{{- else if eq .Values.tee.type "sgx" -}}
feature.node.kubernetes.io/cpu-security.sgx.enabled: "true"
{{- else if eq .Values.tee.type "nitro" -}}
aws-nitro-enclaves-k8s-dp: enabled
{{- else if eq .Values.tee.type "azure-cvm" -}}
kubernetes.azure.com/security-type: ConfidentialVM
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Nodes that are kept for this: a taint with the key of the label. */}}
{{- define "sotto.teeTolerations" -}}
{{- if .Values.tee.tolerations -}}
{{- toYaml .Values.tee.tolerations -}}
{{- else -}}
{{- range $key, $value := include "sotto.teeLabels" . | fromYaml }}
- key: {{ $key }}
  operator: Exists
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sotto.runtimeClassName" -}}
{{- default .root.Values.runtimeClassName .values.runtimeClassName -}}
{{- end -}}

{{/* Evidence of these kinds names the configuration; of the others, it has to be a file of the image. */}}
{{- define "sotto.reportsConfig" -}}
{{- if has .Values.tee.type (list "snp" "tdx") -}}true{{- end -}}
{{- end -}}

{{- define "sotto.checkMeasured" -}}
{{- $type := .root.Values.tee.type -}}
{{- if not $type -}}
{{- fail (printf "tee.type: expected snp, tdx, sgx, nitro or azure-cvm, for %s is measured" .name) -}}
{{- end -}}
{{- if and (not (include "sotto.reportsConfig" .root)) (not .values.configInImage) -}}
{{- fail (printf "%s.configInImage: expected true, for evidence of %s has no field for the configuration: build it into the image" .name $type) -}}
{{- end -}}
{{- end -}}

{{/*
Asks the cluster whether a node can run measured pods. Rendering without a cluster asks nobody; tee.checkNodes says not to
ask, for whoever may not list nodes.
*/}}
{{- define "sotto.checkNodes" -}}
{{- if and .Values.tee.type .Values.tee.checkNodes (or .Values.kms.enabled .Values.enclave.enabled) -}}
{{- $labels := include "sotto.teeLabels" . | fromYaml -}}
{{- $nodes := get (lookup "v1" "Node" "" "") "items" -}}
{{- if and $nodes $labels -}}
{{- $found := false -}}
{{- range $node := $nodes -}}
{{- $matches := true -}}
{{- range $key, $value := $labels -}}
{{- if ne (get ($node.metadata.labels | default dict) $key) $value -}}{{- $matches = false -}}{{- end -}}
{{- end -}}
{{- if $matches -}}{{- $found = true -}}{{- end -}}
{{- end -}}
{{- if not $found -}}
{{- fail (printf "no node of this cluster is confidential: tee.type is %s, expected a node labelled %s, found %d nodes without. Label nodes (Node Feature Discovery does), or set tee.nodeSelector" .Values.tee.type (toJson $labels) (len $nodes)) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "kms" "enclave" -}}
{{- $values := get $.Values $name -}}
{{- $class := include "sotto.runtimeClassName" (dict "root" $ "values" $values) -}}
{{- if and $nodes $values.enabled $class -}}
{{- if not (lookup "node.k8s.io/v1" "RuntimeClass" "" $class) -}}
{{- fail (printf "%s: this cluster has no RuntimeClass %s. Install the runtime that makes confidential pods, or set runtimeClassName" $name $class) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
