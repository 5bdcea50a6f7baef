import { RandomId, RandomPassword, RandomString } from "./resources.js";
import { PLUGIN } from "./properties.js";
import { Provider } from "../lib/provider.js";
import { serve } from "../lib/main.js";

void serve(new Provider(PLUGIN, [new RandomPassword(), new RandomString(), new RandomId()]));
