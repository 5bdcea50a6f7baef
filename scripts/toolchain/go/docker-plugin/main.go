// Command pulumi-resource-docker serves the resources and functions of npm's @pulumi/docker to
// the Pulumi engine on machines that cannot download the vendor's plugin. It bridges the same
// upstream provider under the same tokens and property names. Not served: docker.Image, which
// the vendor implements outside the bridge.
package main

import (
	"context"
	"runtime"
	"unicode"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

const (
	// The npm package's version: the engine warns when a plugin reports another one.
	version = "5.2.0"
	// The longest name that is generated for a resource without one.
	maxAutoName = 255
)

type fields = map[string]*tfbridge.SchemaInfo

func token(member string) string {
	module := string(unicode.ToLower(rune(member[0]))) + member[1:]
	return "docker:index/" + module + ":" + member
}

func resource(member string, named fields) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tokens.Type(token(member)), Fields: named}
}

func function(member string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember(token(member))}
}

func container() *tfbridge.ResourceInfo {
	info := resource("Container", fields{
		// One command with its arguments, and a name that is a plural already.
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	})
	// A container's name and ports are taken until the old one is gone.
	info.DeleteBeforeReplace = true
	return info
}

func defaultHost(context.Context, tfbridge.ComputeDefaultOptions) (any, error) {
	if runtime.GOOS == "windows" {
		return "npipe:////./pipe/docker_engine", nil
	}
	return "unix:///var/run/docker.sock", nil
}

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(shim.NewProvider()),
		Name:    "docker",
		Version: version,
		Config: fields{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars:        []string{"DOCKER_HOST"},
				ComputeDefault: defaultHost,
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_buildx_builder": resource("BuildxBuilder", nil),
			"docker_config":         resource("ServiceConfig", nil),
			"docker_container":      container(),
			// Named here so that an image's name is never generated.
			"docker_image":          resource("RemoteImage", fields{"name": {Name: "name"}}),
			"docker_network":        resource("Network", nil),
			"docker_plugin":         resource("Plugin", nil),
			"docker_registry_image": resource("RegistryImage", nil),
			"docker_secret":         resource("Secret", nil),
			"docker_service":        resource("Service", nil),
			"docker_tag":            resource("Tag", nil),
			"docker_volume":         resource("Volume", nil),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image":                    function("getRemoteImage"),
			"docker_logs":                     function("getLogs"),
			"docker_network":                  function("getNetwork"),
			"docker_plugin":                   function("getPlugin"),
			"docker_registry_image":           function("getRegistryImage"),
			"docker_registry_image_manifests": function("getRegistryImageManifests"),
		},
	}
	info.SetAutonaming(maxAutoName, "-")
	return info
}

func main() {
	tfbridge.Main("docker", version, provider(), []byte("{}"))
}
