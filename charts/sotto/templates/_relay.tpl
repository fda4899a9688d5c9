{{/* Port at which pods that are clients find the relay of this release, on their own loopback. */}}
{{- define "sotto.forwardPort" -}}8788{{- end -}}

{{/*
Passes connections from this pod's loopback on to the relay of this release. Clients speak to a relay over TLS, or on their
own machine: what goes from here to the relay is encapsulated either way, and stays inside the cluster.
Takes `root`, `name` and `values` of the pod it stands in.
*/}}
{{- define "sotto.forwarder" -}}
{{- $relay := dict "root" .root "name" "relay" "values" .root.Values.relay -}}
{{- $settings := include "sotto.settings" $relay | fromJson -}}
{{- $port := default (int $settings.listen.port) (int .root.Values.relay.service.port) -}}
name: relay
image: {{ include "sotto.image" . }}
imagePullPolicy: {{ .values.image.pullPolicy }}
# Starts before the others, and ends after them.
restartPolicy: Always
command:
  - /opt/sotto/edge/bin/node
  - -e
  - |
    const net = require('node:net')
    const [host, port, local] = process.argv.slice(1)
    const both = { allowHalfOpen: true }
    net.createServer(both, (near) => {
      const far = net.connect({ ...both, host, port: Number(port) })
      for (const socket of [near, far]) socket.on('error', () => { near.destroy(); far.destroy() })
      near.pipe(far).pipe(near)
    }).listen(Number(local), '127.0.0.1')
    process.on('SIGTERM', () => process.exit(0))
args:
  - {{ include "sotto.name" $relay }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
  - {{ $port | quote }}
  - {{ include "sotto.forwardPort" . | quote }}
securityContext:
  {{- include "sotto.securityContext" . | nindent 2 }}
{{- end -}}

{{/* Address of the relay for a proxy of this release. */}}
{{- define "sotto.proxyRelay" -}}
{{- if .Values.proxy.relay -}}
{{- .Values.proxy.relay -}}
{{- else if .Values.relay.enabled -}}
http://127.0.0.1:{{ include "sotto.forwardPort" . }}
{{- else -}}
{{- fail "proxy.relay: expected the https address of a relay, for this release has none" -}}
{{- end -}}
{{- end -}}

{{/* Address under which people reach the relay; nothing where this release does not say. */}}
{{- define "sotto.publicRelay" -}}
{{- if and .Values.relay.ingress.enabled .Values.relay.ingress.hosts -}}
https://{{ first .Values.relay.ingress.hosts }}
{{- else if and .Values.relay.route.enabled .Values.relay.route.hostnames -}}
https://{{ first .Values.relay.route.hostnames }}
{{- end -}}
{{- end -}}
