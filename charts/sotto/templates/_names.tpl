{{/*
Names and labels. Helpers take a context: a dict of `root` (the chart's own scope), `name` (the component) and
`values` (the component's values).
*/}}

{{- define "sotto.chartName" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
Addresses stand in measured configurations: they are the release's name and the component's, and nothing else. Kubernetes puts
a StatefulSet's name and eleven characters into a label of 63: FULLNAME-registry has to leave room for them.
*/}}
{{- define "sotto.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 43 | trimSuffix "-" -}}
{{- end -}}

{{- define "sotto.name" -}}
{{- printf "%s-%s" (include "sotto.fullname" .root) .name -}}
{{- end -}}

{{- define "sotto.releaseLabels" -}}
app.kubernetes.io/name: {{ include "sotto.chartName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sotto.selectorLabels" -}}
{{ include "sotto.releaseLabels" .root }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "sotto.labels" -}}
{{ include "sotto.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "sotto.metadata" -}}
name: {{ include "sotto.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sotto.labels" . | nindent 2 }}
{{- end -}}

{{- define "sotto.serviceAccountName" -}}
{{- if .values.serviceAccount.create -}}
{{- default (include "sotto.name" .) .values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Measured images are named by digest: what is measured must not depend on who moves a tag. */}}
{{- define "sotto.image" -}}
{{- $image := .values.image -}}
{{- $allowTag := get $image "allowTag" | default false -}}
{{- if not (or $image.digest (and $allowTag $image.tag)) -}}
{{- fail (printf "%s.image.digest: expected sha256:…, found none" .name) -}}
{{- end -}}
{{- $image.repository -}}
{{- with $image.tag }}:{{ . }}{{ end -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}
