{{- define "sotto.hasTests" -}}
{{- if and .Values.tests.enabled .Values.relay.enabled .Values.policy -}}true{{- end -}}
{{- end -}}

{{- define "sotto.testContainer" -}}
image: {{ include "sotto.image" . }}
imagePullPolicy: {{ .values.image.pullPolicy }}
workingDir: /opt/sotto/edge
command:
  - /opt/sotto/edge/bin/node
  - dist/cli/sotto.js
args:
  {{- range .args }}
  - {{ . | quote }}
  {{- end }}
env:
  - name: SOTTO_CONFIG_DIR
    value: /tmp/sotto
securityContext:
  {{- include "sotto.securityContext" . | nindent 2 }}
volumeMounts:
  - name: policy
    mountPath: /etc/sotto
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end -}}
