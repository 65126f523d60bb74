/**
 * What a name stands for now: the first step of a pull.
 *
 * @module
 */

import { readText } from "../async/read_text.ts";
import { watchdog } from "../async/watchdog.ts";
import { type Descriptor, descriptorFromHeaders } from "../oci/descriptor.ts";
import { type Digest, digestOf, parseDigest } from "../oci/digest.ts";
import { MANIFEST_MAX_BYTES, MANIFEST_TYPES } from "../oci/media_type.ts";
import type { Origin, OriginAnswer } from "./origins.ts";
