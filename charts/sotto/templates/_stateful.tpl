{{/*
One replica of an untrusted role that keeps state. `secret` and `file`, where there are such: the key that begins its
store.
*/}}
{{- define "sotto.statefulSet" -}}
{{- $digest := sha256sum .values.config -}}
{{- $mounts := concat (list
  (dict "name" "config" "mountPath" "/etc/sotto" "readOnly" true)
  (dict "name" "state" "mountPath" (include "sotto.stateFolder" .))
  (dict "name" "tmp" "mountPath" "/tmp")
) .mounts -}}
{{- $volumes := concat (list
  (dict "name" "config" "configMap" (dict "name" (include "sotto.name" .)))
  (include "sotto.memoryVolume" (dict "name" "tmp" "size" "64Mi") | fromYaml)
) .volumes -}}
{{- $init := list -}}
{{- $secret := get . "secret" -}}
{{- if and $secret $secret.existingSecret -}}
{{- $init = list (include "sotto.keyInit" . | fromYaml) -}}
{{- $volumes = append $volumes (dict "name" "key" "secret" (dict "secretName" $secret.existingSecret "defaultMode" 288 "items" (list (dict "key" $secret.key "path" $secret.key)))) -}}
{{- end -}}
{{- if not .values.persistence.enabled -}}
{{- $volumes = append $volumes (dict "name" "state" "emptyDir" dict) -}}
{{- end -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "sotto.metadata" . | nindent 2 }}
spec:
  # Its store is one process's. Kubernetes starts no second pod of this name before the first has ended.
  replicas: 1
  serviceName: {{ include "sotto.name" . }}
  selector:
    matchLabels:
      {{- include "sotto.selectorLabels" . | nindent 6 }}
  template:
    {{- include "sotto.pod" (merge (dict
      "configDigest" $digest "probePort" "http" "mounts" $mounts "volumes" $volumes "init" $init
      "graceSeconds" (add 20 (int .values.preStopSeconds))
    ) .) | nindent 4 }}
  {{- if .values.persistence.enabled }}
  volumeClaimTemplates:
    - {{- include "sotto.claim" . | nindent 6 }}
  {{- end }}
{{- end -}}
