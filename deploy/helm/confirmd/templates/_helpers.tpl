{{- define "confirmd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "confirmd.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains (include "confirmd.name" .) .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "confirmd.name" .) | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Who belongs together; they never change. */}}
{{- define "confirmd.selectorLabels" -}}
app.kubernetes.io/name: {{ include "confirmd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "confirmd.labels" -}}
{{ include "confirmd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "confirmd.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "confirmd.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "confirmd.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/* confirmd.toml: the tree of the values, and the places where the Secrets are mounted. */}}
{{- define "confirmd.toml" -}}
{{- $secrets := "/run/secrets/confirmd" }}
{{- $config := deepCopy .Values.config }}
{{- $_ := set $config "store" (dict "url_file" (printf "%s/database/url" $secrets)) }}
{{- $console := dict "listen" (printf "%s:%d" .Values.console.address (int .Values.console.port)) }}
{{- $_ := set $console "read_token_file" (printf "%s/console/read-token" $secrets) }}
{{- $_ := set $console "operator_token_file" (printf "%s/console/operator-token" $secrets) }}
{{- $_ := set $config "console" $console }}
{{- $accounts := dict }}
{{- range $name, $account := .Values.accounts }}
{{- $key := dict "private_key_file" (printf "%s/accounts/%s.pem" $secrets $name) }}
{{- $_ := set $accounts $name (merge $key (deepCopy $account.config)) }}
{{- end }}
{{- $_ := set $config "accounts" $accounts }}
{{- toToml $config }}
{{- end }}

{{/* What the daemon's pods and the migration's have in common, but for the name of their ConfigMap: (dict "chart" . "configMap" …). */}}
{{- define "confirmd.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .chart.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .chart.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .chart.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .chart.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ .configMap }}
  - name: secrets
    projected:
      # 0440: for the group, which is ours alone.
      defaultMode: 288
      sources:
        - secret:
            name: {{ .chart.Values.database.existingSecret }}
            items:
              - key: {{ .chart.Values.database.secretKey }}
                path: database/url
        - secret:
            name: {{ .chart.Values.console.existingSecret }}
            items:
              - key: {{ .chart.Values.console.readTokenKey }}
                path: console/read-token
              - key: {{ .chart.Values.console.operatorTokenKey }}
                path: console/operator-token
        {{- range $name, $account := .chart.Values.accounts }}
        - secret:
            name: {{ $account.existingSecret }}
            items:
              - key: {{ $account.secretKey }}
                path: accounts/{{ $name }}.pem
        {{- end }}
  {{- with .chart.Values.kafka.filesSecret }}
  - name: kafka
    secret:
      secretName: {{ . }}
      defaultMode: 288
  {{- end }}
{{- end }}

{{- define "confirmd.container" -}}
image: {{ include "confirmd.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- if .Values.kafka.existingSecret }}
env:
  # Laid over [kafka.properties] of the file.
  - name: CONFIRMD_KAFKA__PROPERTIES
    valueFrom:
      secretKeyRef:
        name: {{ .Values.kafka.existingSecret }}
        key: {{ .Values.kafka.secretKey }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/confirmd
    readOnly: true
  - name: secrets
    mountPath: /run/secrets/confirmd
    readOnly: true
  {{- if .Values.kafka.filesSecret }}
  - name: kafka
    mountPath: /run/secrets/confirmd-kafka
    readOnly: true
  {{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}
