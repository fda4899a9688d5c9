{{/* Volumes of measured pods: the configuration unless the image has it, what the kernel gives reports at, collateral. */}}
{{- define "sotto.measuredVolumes" -}}
mounts:
  {{- if not .values.configInImage }}
  - name: config
    mountPath: /etc/sotto
    readOnly: true
  {{- end }}
  {{- if and .root.Values.tee.configfs (include "sotto.reportsConfig" .root) }}
  # Kata takes what is mounted from below /sys from the guest, whatever the node has there.
  - name: configfs
    mountPath: /sys/kernel/config
  {{- end }}
  {{- if .root.Values.tee.collateral.existingConfigMap }}
  - name: collateral
    mountPath: /run/sotto/collateral
    readOnly: true
  {{- end }}
volumes:
  {{- if not .values.configInImage }}
  - name: config
    configMap:
      name: {{ include "sotto.name" . }}
  {{- end }}
  {{- if and .root.Values.tee.configfs (include "sotto.reportsConfig" .root) }}
  - name: configfs
    hostPath:
      path: /sys/kernel/config
      type: Directory
  {{- end }}
  {{- with .root.Values.tee.collateral.existingConfigMap }}
  - name: collateral
    configMap:
      name: {{ . }}
  {{- end }}
{{- end -}}
