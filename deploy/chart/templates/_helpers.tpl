{{- define "peili.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- /* At most 45 characters: what the chart appends must fit into the 63 of a Service. */ -}}
{{- define "peili.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- include "peili.short" (dict "text" .Values.fullnameOverride "length" 45) -}}
{{- else if contains $name .Release.Name -}}
{{- include "peili.short" (dict "text" .Release.Name "length" 45) -}}
{{- else -}}
{{- include "peili.short" (dict "text" (printf "%s-%s" .Release.Name $name) "length" 45) -}}
{{- end -}}
{{- end -}}

{{- /* A text that is too long ends with a hash of all of it: two that begin alike stay two. */ -}}
{{- define "peili.short" -}}
{{- if le (len .text) (int .length) -}}
{{- .text -}}
{{- else -}}
{{- printf "%s-%s" (.text | trunc (sub (int .length) 9 | int) | trimSuffix "-") (.text | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{- /* What no other release of any namespace is called: whose hosts.toml entries, which network, which folder. */ -}}
{{- define "peili.deployment" -}}
{{- include "peili.short" (dict "text" (printf "%s.%s" (include "peili.namespace" .) (include "peili.fullname" .)) "length" 63) -}}
{{- end -}}

{{- define "peili.selectorLabels" -}}
app.kubernetes.io/name: {{ include "peili.short" (dict "text" (default .Chart.Name .Values.nameOverride) "length" 63) }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "peili.mirrorLabels" -}}
{{ include "peili.selectorLabels" . }}
app.kubernetes.io/component: mirror
{{- end -}}

{{- define "peili.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "peili.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "peili.serviceAccountName" -}}
{{- default (include "peili.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "peili.secretName" -}}
{{- default (printf "%s-peers" (include "peili.fullname" .)) .Values.secret.existingSecret -}}
{{- end -}}

{{- /* Spegel's own image is what a whole copy of its values names: it is not this program. */ -}}
{{- define "peili.image" -}}
{{- $image := .Values.image -}}
{{- $version := default .Chart.AppVersion $image.tag -}}
{{- if has $image.repository (list "ghcr.io/spegel-org/spegel" "ghcr.io/xenitab/spegel") -}}
{{- printf "ghcr.io/peili/peili:%s" .Chart.AppVersion -}}
{{- else if eq (base $image.repository) "spegel" -}}
{{- fail (printf "image.repository %s is Spegel's image: set it to where Peili's is" $image.repository) -}}
{{- else if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository $version -}}
{{- end -}}
{{- end -}}

{{- /* The program's settings: peili.*, and in their place what spegel.* says, under the names of all its versions. */ -}}
{{- define "peili.settings" -}}
{{- $settings := deepCopy .Values.peili -}}
{{- $old := .Values.spegel -}}
{{- range $key := list "logLevel" "mirroredRegistries" "additionalMirrorTargets" "registryFilters" "resolveTags" "resolveLatestTag" "containerdMirrorAdd" "containerdSock" "containerdNamespace" "containerdRegistryConfigPath" "containerdContentPath" -}}
{{- if hasKey $old $key -}}{{- $_ := set $settings $key (get $old $key) -}}{{- end -}}
{{- end -}}
{{- range $names := list (list "registries" "mirroredRegistries") (list "additionalMirrorRegistries" "additionalMirrorTargets") (list "mirrorRegistries" "additionalMirrorTargets") (list "extraMirrorRegistries" "additionalMirrorTargets") -}}
{{- $theirs := first $names -}}{{- $ours := last $names -}}
{{- if and (get $old $theirs) (not (get $old $ours)) -}}{{- $_ := set $settings $ours (get $old $theirs) -}}{{- end -}}
{{- end -}}
{{- if and $old.imageFilter (not $old.registryFilters) -}}{{- $_ := set $settings "registryFilters" (list $old.imageFilter) -}}{{- end -}}
{{- range $key := list "enabled" "hostPath" -}}
{{- $persistence := default dict $old.persistence -}}
{{- if hasKey $persistence $key -}}{{- $_ := set $settings.persistence $key (get $persistence $key) -}}{{- end -}}
{{- end -}}
{{- /* Spegel's default is one folder for all releases. */ -}}
{{- if eq $settings.persistence.hostPath "/var/lib/spegel" -}}{{- $_ := set $settings.persistence "hostPath" "" -}}{{- end -}}
{{- /* Empty is a default there, too. */ -}}
{{- $_ := set $settings "containerdContentPath" (default "/var/lib/containerd/io.containerd.content.v1.content" $settings.containerdContentPath) -}}
{{- $_ := set $settings.persistence "hostPath" (default (printf "/var/lib/peili/%s" (include "peili.deployment" .)) $settings.persistence.hostPath) -}}
{{- $_ := set $settings "network" (default (include "peili.deployment" .) $settings.network) -}}
{{- $settings | toYaml -}}
{{- end -}}

{{- /* Whether containerd is told by this release, and told otherwise when it goes. */ -}}
{{- define "peili.restores" -}}
{{- $settings := include "peili.settings" . | fromYaml -}}
{{- if and $settings.containerdMirrorAdd .Values.cleanup.enabled -}}true{{- end -}}
{{- end -}}

{{- /*
Whether pods ask the API for their node's zone: where nobody says it, and the
cluster is older than those that copy the label to pods by themselves.
*/ -}}
{{- define "peili.asksZone" -}}
{{- $settings := include "peili.settings" . | fromYaml -}}
{{- $copied := semverCompare ">=1.35-0" .Capabilities.KubeVersion.Version -}}
{{- if and $settings.zoneFromNode (not $settings.zone) (not $copied) -}}true{{- end -}}
{{- end -}}

{{- /* A right over the whole cluster, so its name is of this release alone. */ -}}
{{- define "peili.zoneRole" -}}
{{- include "peili.deployment" . }}-zone
{{- end -}}

{{- /* Empty where the cluster copies no topology labels to pods. */ -}}
{{- define "peili.podZone" -}}
- name: PEILI_ZONE
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['topology.kubernetes.io/zone']
{{- end -}}

{{- define "peili.usesHostPort" -}}
{{- if not .Values.service.registry.usePreferSameNodeTrafficDistribution -}}true{{- end -}}
{{- end -}}

{{- /* What was given and has no effect: said by NOTES, one line each. */ -}}
{{- define "peili.warnings" -}}
{{- range $key := list "mirrorResolveTimeout" "mirrorResolveRetries" "blobSpeed" "kubeconfigPath" "debugWebEnabled" "visualize" "containerdMirrorRemove" -}}
{{- if hasKey $.Values.spegel $key }}
- spegel.{{ $key }}
{{- end -}}
{{- end -}}
{{- if .Values.grafanaDashboard.enabled }}
- grafanaDashboard: a dashboard is not part of the chart yet
{{- end -}}
{{- if (default dict .Values.kvick.nodeReadiness).enabled }}
- kvick.nodeReadiness: nodes are not tainted until their mirror is ready
{{- end -}}
{{- if and .Values.verticalPodAutoscaler.enabled (not (.Capabilities.APIVersions.Has "autoscaling.k8s.io/v1")) }}
- verticalPodAutoscaler: the cluster has no such API
{{- end -}}
{{- if or .Values.spegel.prependExisting .Values.spegel.appendMirrors }}
- spegel.prependExisting, spegel.appendMirrors: always so here, hosts that are there stay in use
{{- end -}}
{{- if ne (include "peili.image" .) (printf "%s%s" .Values.image.repository (ternary (printf "@%s" .Values.image.digest) (printf ":%s" (default .Chart.AppVersion .Values.image.tag)) (ne .Values.image.digest ""))) }}
- image: it is Spegel's; {{ include "peili.image" . }} is used
{{- end -}}
{{- end -}}

{{- /* What all pods have in common. */ -}}
{{- define "peili.podAll" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* Pods on the nodes of this release. */ -}}
{{- define "peili.podPlace" -}}
{{ include "peili.podAll" . }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The image's entry point with the permissions of one command alone; paths take the place of those that its set has. */ -}}
{{- define "peili.command" -}}
- /usr/bin/deno
- run
- --quiet
- --no-prompt
- --cached-only
- --no-lock
- -P={{ .set }}
{{- if .read }}
- --allow-read={{ join "," .read }}
- --allow-write={{ join "," .write }}
{{- end }}
- /peili/peili.js
{{- end -}}

{{- define "peili.writerCommand" -}}
{{- $hosts := .containerdRegistryConfigPath -}}
{{- $usual := eq $hosts "/etc/containerd/certs.d" -}}
{{- include "peili.command" (dict "set" "configure" "read" (ternary nil (list $hosts) $usual) "write" (list $hosts)) -}}
{{- end -}}

{{- define "peili.runCommand" -}}
{{- $socket := .containerdSock -}}{{- $content := .containerdContentPath -}}{{- $hosts := .containerdRegistryConfigPath -}}
{{- $usual := and (eq $socket "/run/containerd/containerd.sock") (eq $content "/var/lib/containerd/io.containerd.content.v1.content") (eq $hosts "/etc/containerd/certs.d") -}}
{{- $data := "/var/lib/peili" -}}
{{- include "peili.command" (dict "set" "run" "read" (ternary nil (list $socket $content $hosts "/etc/peili" $data) $usual) "write" (list $socket $data)) -}}
{{- end -}}

{{- /* What all containers have in common; "user" is who it runs as unless the values say otherwise. */ -}}
{{- define "peili.container" -}}
{{- $values := .root.Values -}}
image: {{ include "peili.image" .root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
{{- $who := dict "runAsUser" .user "runAsGroup" 0 -}}
{{- if and .user (not (hasKey $values.securityContext "runAsUser")) }}{{- $_ := set $who "runAsNonRoot" true }}{{- end }}
securityContext:
  {{- toYaml (mergeOverwrite $who $values.securityContext) | nindent 2 }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
