package platforms

import (
	"fmt"
	"path/filepath"
	"strings"
)

// cloudRun is Google Cloud Run, whose services are those of Knative Serving.
func cloudRun() Target {
	return Target{
		Name: "cloudrun", arch: "amd64",
		check: func(s Server) error { return nil },
		files: func(s Server) ([]File, error) { return []File{{"service.yaml", service(s)}}, nil },
		apply: func(s Server, dir string) []Command {
			command := run("gcloud", "run", "services", "replace", filepath.Join(dir, "service.yaml"))
			if s.Region != "" {
				command.Args = append(command.Args, "--region", s.Region)
			}
			return []Command{command}
		},
	}
}

// service returns the service. Cloud Run sets PORT itself, to the port of the
// container, and refuses a service that sets it.
func service(s Server) string {
	var env strings.Builder
	sorted(s.Env, func(name, value string) {
		fmt.Fprintf(&env, "            - name: %s\n              value: %s\n", name, quoted(value))
	})
	sorted(s.Secrets, func(name, reference string) {
		secret, version := secret(reference, "latest")
		fmt.Fprintf(&env, "            - name: %s\n              valueFrom:\n                secretKeyRef:\n                  name: %s\n                  key: %s\n",
			name, quoted(secret), quoted(version))
	})
	fmt.Fprintf(&env, "            - name: GOMEMLIMIT\n              value: 460MiB\n")
	return fmt.Sprintf(`# Written by mcpengine deploy --to cloudrun.
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: %s
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/maxScale: "10"
    spec:
      # Requests that one instance serves at once.
      containerConcurrency: 80
      # A request may take so long, and so may a stream of events.
      timeoutSeconds: 300
      containers:
        - image: %s
          ports:
            - name: http1
              containerPort: 8080
          env:
%s          resources:
            limits:
              cpu: "1"
              memory: 512Mi
          # Requests come when the program is ready.
          startupProbe:
            httpGet:
              path: /readyz
              port: 8080
            periodSeconds: 1
            timeoutSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet:
              path: /healthz
              port: 8080
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
`, quoted(s.Name), quoted(s.Image), env.String())
}
