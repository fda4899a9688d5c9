{{/* Peers and ports of network policies. */}}

{{- define "sotto.isOn" -}}
{{- if (get .root.Values .name).enabled -}}true{{- end -}}
{{- end -}}

{{/* Port of a role's metrics; nothing where it has none. */}}
{{- define "sotto.scrapedPort" -}}
{{- if .values.enabled -}}
{{- if eq .name "proxy" -}}
{{- int .values.metricsPort -}}
{{- else if has .name (list "kms" "enclave") -}}
{{- include "sotto.metricsPort" (dict "settings" (include "sotto.settings" . | fromJson)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sotto.listenPort" -}}
{{- if eq .name "proxy" -}}
{{- int .values.port -}}
{{- else -}}
{{- include "sotto.httpPort" (dict "settings" (include "sotto.settings" . | fromJson)) -}}
{{- end -}}
{{- end -}}

{{/* To the role `to` of this release. Takes `root` and `to`. */}}
{{- define "sotto.toRole" -}}
{{- $context := dict "root" .root "name" .to "values" (get .root.Values .to) -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "sotto.selectorLabels" $context | nindent 10 }}
  ports:
    - protocol: TCP
      port: {{ include "sotto.listenPort" $context }}
{{- end -}}

{{/* From roles of this release, and others that `extra` lists, to a port. Takes `root`, `from`, `extra` and `port`. */}}
{{- define "sotto.fromRoles" -}}
- from:
    {{- range .from }}
    - podSelector:
        matchLabels:
          {{- include "sotto.selectorLabels" (dict "root" $.root "name" .) | nindent 10 }}
    {{- end }}
    {{- with .extra }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - protocol: TCP
      port: {{ .port }}
{{- end -}}

{{- define "sotto.toDns" -}}
- to:
    {{- toYaml .Values.networkPolicy.dns.to | nindent 4 }}
  ports:
    - protocol: UDP
      port: {{ int .Values.networkPolicy.dns.port }}
    - protocol: TCP
      port: {{ int .Values.networkPolicy.dns.port }}
{{- end -}}

{{/* To the internet and not to this network, at some ports. Takes `root` and `ports`. */}}
{{- define "sotto.toInternet" -}}
{{- $four := list -}}
{{- $six := list -}}
{{- range .root.Values.networkPolicy.privateRanges -}}
{{- if contains ":" . }}{{ $six = append $six . }}{{ else }}{{ $four = append $four . }}{{ end -}}
{{- end -}}
- to:
    - ipBlock:
        {{- toYaml (dict "cidr" "0.0.0.0/0" "except" $four) | nindent 8 }}
    - ipBlock:
        {{- toYaml (dict "cidr" "::/0" "except" $six) | nindent 8 }}
  ports:
    {{- range .ports }}
    - protocol: TCP
      port: {{ int . }}
    {{- end }}
{{- end -}}

{{/* Ports of witnesses that are not this release's: the log asks each of them for every checkpoint. */}}
{{- define "sotto.witnessPorts" -}}
{{- $settings := include "sotto.settings" (dict "root" . "name" "log" "values" .Values.log) | fromJson -}}
{{- $own := include "sotto.name" (dict "root" . "name" "witness") -}}
{{- $ports := list -}}
{{- range $settings.witnesses -}}
{{- $url := urlParse .url -}}
{{- $host := regexReplaceAll ":\\d+$" $url.host "" -}}
{{- if not (or (eq $host $own) (hasPrefix (printf "%s." $own) $host)) -}}
{{- $ports = append $ports (trimPrefix ":" (regexFind ":\\d+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* The service that a cloud's machines ask about themselves: certificates of their evidence, tokens of their identity. */}}
{{- define "sotto.toMachine" -}}
- to:
    - ipBlock:
        cidr: 169.254.169.254/32
  ports:
    - protocol: TCP
      port: 80
{{- end -}}
