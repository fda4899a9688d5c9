{{/* A role that keeps nothing: as many as there are, replaced one by one, the new one first. */}}
{{- define "sotto.deployment" -}}
{{- $autoscaling := get .values "autoscaling" | default (dict "enabled" false) -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "sotto.metadata" . | nindent 2 }}
spec:
  {{- if not $autoscaling.enabled }}
  replicas: {{ int .values.replicas }}
  {{- end }}
  minReadySeconds: 5
  progressDeadlineSeconds: {{ int .values.progressDeadlineSeconds }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "sotto.selectorLabels" . | nindent 6 }}
  template:
    {{- include "sotto.pod" . | nindent 4 }}
{{- end -}}
