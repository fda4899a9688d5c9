{{/*
What is read out of a role's configuration. The configuration is text, because its SHA-256 is measured; ports and folders
are taken from it rather than said twice.
*/}}

{{- define "sotto.settings" -}}
{{- with get .values "configSha256" -}}
{{- if ne . (sha256sum $.values.config) -}}
{{- fail (printf "%s.config: expected the bytes with SHA-256 %s, found others: %s. Give the file with --set-file %s.config=FILE" $.name . (sha256sum $.values.config) $.name) -}}
{{- end -}}
{{- end -}}
{{- $parsed := fromJson .values.config -}}
{{- if or (not (kindIs "map" $parsed)) (hasKey $parsed "Error") -}}
{{- fail (printf "%s.config: expected the configuration of the role as JSON, found something else" .name) -}}
{{- end -}}
{{- $listen := get $parsed "listen" -}}
{{- if not (kindIs "map" $listen) -}}
{{- fail (printf "%s.config: expected listen, found none" .name) -}}
{{- end -}}
{{- range $key := list "listen" "metrics" -}}
{{- with get $parsed $key -}}
{{- if has (default "127.0.0.1" .host) (list "127.0.0.1" "::1" "localhost") -}}
{{- fail (printf "%s.config: %s.host is loopback, which no other pod reaches: expected 0.0.0.0 or ::" $.name $key) -}}
{{- end -}}
{{- if lt (int .port) 1 -}}
{{- fail (printf "%s.config: %s.port: expected 1 to 65535, found %v" $.name $key .port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- .values.config -}}
{{- end -}}

{{/* Where state lies in every container that keeps some: the volume is mounted here. */}}
{{- define "sotto.stateFolder" -}}/var/lib/sotto{{- end -}}

{{/* Fails for a folder that would not survive the pod. Takes `name`, `key` and `folder`. */}}
{{- define "sotto.requireKept" -}}
{{- $state := include "sotto.stateFolder" . -}}
{{- if not (or (eq .folder $state) (hasPrefix (printf "%s/" $state) .folder)) -}}
{{- fail (printf "%s.config: %s: expected %s or a folder below it, found %s" .name .key $state .folder) -}}
{{- end -}}
{{- end -}}

{{- define "sotto.httpPort" -}}{{- int .settings.listen.port -}}{{- end -}}

{{- define "sotto.metricsPort" -}}
{{- with get .settings "metrics" }}{{ int .port }}{{ end -}}
{{- end -}}

{{/* Where the role reads its configuration: from the image, where evidence has no field for its digest. */}}
{{- define "sotto.configFile" -}}
{{- if get .values "configInImage" -}}{{ .folder }}/config.json{{- else -}}/etc/sotto/config.json{{- end -}}
{{- end -}}

{{/* A ConfigMap keeps binaryData byte for byte, whatever characters there are. */}}
{{- define "sotto.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "sotto.metadata" . | nindent 2 }}
binaryData:
  config.json: {{ .values.config | b64enc }}
{{- end -}}
