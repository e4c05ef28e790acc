{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "busVariable" -}}
{{- .Values.bus.variable | default (eq .Values.bus.kind "redis" | ternary "REDIS_URL" "DATABASE_URL") }}
{{- end }}

{{- define "busPort" -}}
{{- .Values.bus.port | default (eq .Values.bus.kind "redis" | ternary 6379 5432) }}
{{- end }}

{{- define "otlpPort" -}}
{{- $address := urlParse .Values.telemetry.otlpEndpoint -}}
{{- $port := regexFind ":[0-9]+$" $address.host | trimPrefix ":" -}}
{{- $port | default (eq $address.scheme "https" | ternary 443 80) }}
{{- end }}
