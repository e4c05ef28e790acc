package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/describe"
)

func (c *cli) pack() *cobra.Command {
	var arch, out string
	var image bool
	var build deploy.BuildFlags
	var bundles bundleFlags
	cmd := &cobra.Command{
		Use:   "package DIR|PACKAGE [flags]",
		Short: "Build a zip file for AWS Lambda, or bundles for desktop hosts",
		Long: `The file is for runtime provided.al2023, and for other tools such as Terraform.
The same source gives the same bytes. The name of the file is printed. With
--image it is a folder with a Dockerfile, from which docker builds an image.

With --mcpb there is a file for each system and architecture, which people
install in a desktop host: NAME-VERSION-PLATFORM.mcpb, in the folder of
--output. mcpengine.json has what the program does not say of itself.`,
		Example: `  mcpengine package ./examples/weather -o weather.zip
  mcpengine package --mcpb ./cmd/server --platform darwin,windows-amd64`,
		Args: oneArgument("the folder or package of the server"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := bundles.check(cmd); err != nil {
				return err
			}
			if bundles.mcpb {
				return c.bundles(cmd.Context(), args[0], out, &bundles, build)
			}
			if arch != "arm64" && arch != "amd64" {
				return usageError{fmt.Errorf(`--arch %s is not "arm64" or "amd64"`, arch)}
			}
			source, err := deploy.FindSource(cmd.Context(), args[0], build)
			if err != nil {
				return err
			}
			if image {
				return c.packImage(cmd.Context(), args[0], source, arch, out)
			}
			code, err := source.Build(cmd.Context(), arch)
			if err != nil {
				return err
			}
			if out == "" {
				out = source.Name() + ".zip"
			}
			if err := writeFile(out, code.Zip); err != nil {
				return fmt.Errorf("write %s: %w", out, err)
			}
			c.stderr.Printf("linux/%s, %.1f MB, sha256 %s\n", arch, float64(len(code.Zip))/(1<<20), code.SHA256())
			c.stdout.Printf("%s\n", out)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`file` to write, or folder of bundles")
	cmd.Flags().StringVar(&arch, "arch", "arm64", "`architecture`, arm64 or amd64")
	cmd.Flags().BoolVar(&image, "image", false, "write a folder for docker build")
	bundles.add(cmd)
	addBuildFlags(cmd, &build)
	return cmd
}

// packImage writes the folder of an image, which names the server that it holds.
func (c *cli) packImage(ctx context.Context, folderOrPackage string, source deploy.Source, arch, out string) error {
	about, err := describe.Program(ctx, folderOrPackage, describe.Options{})
	if err != nil {
		return err
	}
	if out == "" {
		out = source.Name() + "-image"
	}
	if err := source.WriteImage(ctx, arch, out, about.Name); err != nil {
		return err
	}
	c.stderr.Printf("docker build --platform linux/%s --provenance=false -t NAME %s\n", arch, out)
	c.stdout.Printf("%s\n", out)
	return nil
}

// writeFile replaces the file, or leaves it as it was.
func writeFile(name string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".mcpengine-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return err
}
