import { CopyToRemote } from "./copy.js";
import { LocalCommand } from "./local.js";
import { PLUGIN } from "./properties.js";
import { Provider } from "../lib/provider.js";
import { RemoteCommand } from "./remote.js";
import { serve } from "../lib/main.js";

void serve(new Provider(PLUGIN, [new RemoteCommand(), new LocalCommand(), new CopyToRemote()]));
