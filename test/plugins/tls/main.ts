import { LocallySignedCert, SelfSignedCert } from "./certificates.js";
import { CertRequest } from "./request.js";
import { PLUGIN } from "./properties.js";
import { PrivateKey } from "./private-key.js";
import { Provider } from "../lib/provider.js";
import { serve } from "../lib/main.js";

void serve(
  new Provider(PLUGIN, [
    new PrivateKey(),
    new CertRequest(),
    new SelfSignedCert(),
    new LocallySignedCert(),
  ]),
);
