{{/*
The pod of a role. Beside `root`, `name` and `values` the context has `folder` (of its image), `measured`, `args`
(behind Node), `env`, `ports` (name to number), `probePort`, `mounts`, `volumes`, `graceSeconds`, and perhaps `init`.
*/}}
{{- define "sotto.pod" -}}
metadata:
  # Without versions: a chart that changed in nothing that matters to a pod restarts none.
  labels:
    {{- include "sotto.selectorLabels" . | nindent 4 }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- with .configDigest }}
    checksum/config: {{ . }}
    {{- end }}
    kubectl.kubernetes.io/default-container: {{ .name }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with concat .root.Values.imagePullSecrets .values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "sotto.serviceAccountName" . }}
  automountServiceAccountToken: false
  # A service called "node" would else be a variable NODE_…, with which no role starts.
  enableServiceLinks: false
  {{- if .measured }}
  {{- with include "sotto.runtimeClassName" . }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- end }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- include "sotto.podSecurityContext" . | nindent 4 }}
  terminationGracePeriodSeconds: {{ default .graceSeconds (int .values.terminationGracePeriodSeconds) }}
  {{- $selector := deepCopy .values.nodeSelector }}
  {{- $tolerations := .values.tolerations }}
  {{- if .measured }}
  {{- $selector = mergeOverwrite (include "sotto.teeLabels" .root | fromYaml) $selector }}
  {{- $tolerations = concat (include "sotto.teeTolerations" .root | fromYamlArray) $tolerations }}
  {{- end }}
  {{- with $selector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- if .values.topologySpreadConstraints }}
    {{- toYaml .values.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "sotto.selectorLabels" . | nindent 10 }}
    {{- end }}
  {{- with .init }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "sotto.image" . }}
      imagePullPolicy: {{ .values.image.pullPolicy }}
      workingDir: {{ .folder }}
      {{- include "sotto.command" . | nindent 6 }}
      securityContext:
        {{- include "sotto.securityContext" . | nindent 8 }}
      {{- with concat (.env | default list) .values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- range $port, $number := .ports }}
        - name: {{ $port }}
          containerPort: {{ $number }}
          protocol: TCP
        {{- end }}
      {{- include "sotto.probes" . | trim | nindent 6 }}
      {{- with int .values.preStopSeconds }}
      lifecycle:
        preStop:
          # By the kubelet: commands are not let into a confidential pod.
          sleep:
            seconds: {{ . }}
      {{- end }}
      {{- with .values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- toYaml (concat .mounts .values.extraVolumeMounts) | nindent 8 }}
  volumes:
    {{- toYaml (concat .volumes .values.extraVolumes) | nindent 4 }}
{{- end -}}

{{/* A role refuses to start where it could leave a core dump, and a pod cannot say so otherwise. */}}
{{- define "sotto.command" -}}
command:
  - /bin/sh
  - -c
  - ulimit -c 0 && exec "$0" "$@"
  - {{ .folder }}/bin/node
  - --max-semi-space-size=1
  - --external-memory-accounted-in-global-limit
args:
  {{- range .args }}
  - {{ . | quote }}
  {{- end }}
{{- end -}}

{{/*
Only /livez ever ends a pod: whoever loads models, or waits for custodians, is alive. /readyz says attested and keys held.
*/}}
{{- define "sotto.probes" -}}
{{- range $probe, $path := dict "startup" "/livez" "liveness" "/livez" "readiness" "/readyz" }}
{{ $probe }}Probe:
  httpGet:
    path: {{ $path }}
    port: {{ $.probePort }}
  {{- toYaml (get $.values.probes $probe) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A volume of memory. Takes `name` and `size`. */}}
{{- define "sotto.memoryVolume" -}}
name: {{ .name }}
emptyDir:
  medium: Memory
  sizeLimit: {{ .size | quote }}
{{- end -}}

{{- define "sotto.secretEnv" -}}
name: {{ .name }}
valueFrom:
  secretKeyRef:
    name: {{ .secret.existingSecret }}
    key: {{ .secret.key }}
{{- end -}}

{{/* Puts a key that exists into an empty store, and refuses another one beside a store that has one. */}}
{{- define "sotto.keyInit" -}}
name: key
image: {{ include "sotto.image" . }}
imagePullPolicy: {{ .values.image.pullPolicy }}
command:
  - /bin/sh
  - -euc
  - |
    umask 077
    mkdir -p "$2"
    if [ ! -e "$3" ]; then
      cp "$1" "$3.part"
      sync "$3.part"
      mv "$3.part" "$3"
    elif ! cmp -s "$1" "$3"; then
      echo "error: the store has another key than the Secret: expected the same" >&2
      exit 1
    fi
  - key
args:
  - /run/secrets/sotto/{{ .secret.key }}
  - {{ .settings.store | quote }}
  - {{ printf "%s/%s" .settings.store .file | quote }}
securityContext:
  {{- include "sotto.securityContext" . | nindent 2 }}
volumeMounts:
  - name: state
    mountPath: {{ include "sotto.stateFolder" . }}
  - name: key
    mountPath: /run/secrets/sotto
    readOnly: true
{{- end -}}

{{- define "sotto.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "sotto.metadata" . | nindent 2 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .values.service.type }}
  selector:
    {{- include "sotto.selectorLabels" . | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    {{- if ne $port "metrics" }}
    - name: {{ $port }}
      port: {{ default $number (int (get $.values.service "port")) }}
      targetPort: {{ $port }}
      protocol: TCP
    {{- end }}
    {{- end }}
{{- end -}}

{{- define "sotto.headlessService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "sotto.name" . }}-pods
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "sotto.labels" . | nindent 4 }}
spec:
  clusterIP: None
  # Whoever asks a replica that stands by is told so, and asks the next one.
  publishNotReadyAddresses: true
  selector:
    {{- include "sotto.selectorLabels" . | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    {{- if ne $port "metrics" }}
    - name: {{ $port }}
      port: {{ $number }}
      targetPort: {{ $port }}
      protocol: TCP
    {{- end }}
    {{- end }}
{{- end -}}

{{- define "sotto.claim" -}}
metadata:
  name: state
  labels:
    {{- include "sotto.selectorLabels" . | nindent 4 }}
spec:
  accessModes:
    - ReadWriteOnce
  {{- with .values.persistence.storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .values.persistence.size | quote }}
{{- end -}}


{{/* Port of the service of relay or proxy. */}}
{{- define "sotto.servicePort" -}}
{{- if int .values.service.port -}}
{{- int .values.service.port -}}
{{- else if eq .name "proxy" -}}
{{- int .values.port -}}
{{- else -}}
{{- $settings := include "sotto.settings" . | fromJson -}}
{{- int $settings.listen.port -}}
{{- end -}}
{{- end -}}
