/**
 * Schemas for kubeconform, made from what Kubernetes says of its own objects: it
 * fetches them from the network otherwise. Keys that an object does not have are
 * errors in them.
 *
 * @module
 */

import { parseAllDocuments } from "yaml";
import { customDefinitions, openApi } from "./tools.ts";

/** A JSON schema, as far as it is looked into. */
interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  oneOf?: Schema[];
  [key: string]: unknown;
}

interface Definition extends Schema {
  "x-kubernetes-group-version-kind"?: {
    group: string;
    version: string;
    kind: string;
  }[];
}

/** How kubeconform finds a file by an object's kind. */
export const LOCATION =
  "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json";

/** Writes the schemas of these kinds into a folder, custom ones too. */
export async function writeSchemas(
  folder: string,
  kinds: ReadonlySet<string>,
): Promise<void> {
  const write = (
    kind: string,
    group: string,
    version: string,
    schema: Schema,
  ) =>
    Deno.writeTextFile(
      // It takes the version for the group, too, where there is none.
      `${folder}/${kind.toLowerCase()}-${group || version}-${version}.json`,
      JSON.stringify(schema),
    );
  const { definitions } = JSON.parse(await openApi()) as {
    definitions: Record<string, Definition>;
  };
  for (const [name, definition] of Object.entries(definitions)) {
    const known = definition["x-kubernetes-group-version-kind"] ?? [];
    if (known.length !== 1) continue;
    for (const { group, version, kind } of known) {
      if (!kinds.has(kind)) continue;
      const needed = reachable(definitions, name);
      const schema = { $ref: `#/definitions/${name}`, definitions: needed };
      await write(kind, group, version, schema);
    }
  }
  for (const { group, kind, version, schema } of await customSchemas()) {
    await write(kind, group, version, strict(schema));
  }
}

/** The schemas of objects that Kubernetes itself does not have. */
async function customSchemas(): Promise<
  { group: string; kind: string; version: string; schema: Schema }[]
> {
  const documents = (await customDefinitions())
    .flatMap((yaml) => parseAllDocuments(yaml))
    .map((document) => document.toJS());
  return documents.flatMap(({ spec }) =>
    // deno-lint-ignore no-explicit-any -- a definition as it was read
    spec.versions.map((version: any) => ({
      group: spec.group,
      kind: spec.names.kind,
      version: version.name,
      schema: {
        ...version.schema.openAPIV3Schema,
        properties: {
          ...version.schema.openAPIV3Schema.properties,
          metadata: { type: "object", additionalProperties: true },
        },
      },
    }))
  );
}

/** A definition and all that it refers to, made strict. */
function reachable(
  definitions: Record<string, Definition>,
  start: string,
): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  const queue = [start];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const definition = definitions[name];
    if (found[name] || !definition) continue;
    found[name] = strict(definition);
    const references = JSON.stringify(definition)
      .matchAll(/"#\/definitions\/([^"]+)"/g);
    queue.push(...[...references].map(([, reference = ""]) => reference));
  }
  return found;
}

/** The same schema without room for keys that it does not name. */
function strict(schema: Schema): Schema {
  if (
    schema.format === "int-or-string" || schema["x-kubernetes-int-or-string"]
  ) {
    return { oneOf: [{ type: "string" }, { type: "integer" }] };
  }
  const { format: _, properties, items, additionalProperties, ...rest } =
    schema;
  const below = (value: Schema | undefined) =>
    value === undefined ? {} : { items: strict(value) };
  if (!properties) {
    const more = typeof additionalProperties === "object"
      ? strict(additionalProperties)
      : additionalProperties;
    return {
      ...rest,
      ...below(items),
      ...(more === undefined ? {} : { additionalProperties: more }),
    };
  }
  const named = Object.entries(properties)
    .map(([name, value]) => [name, strict(value)]);
  return {
    ...rest,
    properties: Object.fromEntries(named),
    additionalProperties: false,
  };
}
