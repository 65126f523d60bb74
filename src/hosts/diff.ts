/**
 * What would change in a file, as a unified diff that `patch` reads.
 * @module
 */

/** A file before and after; null: it is not there. */
export interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** Only a person who asks for a diff needs this package: 3 MiB and 5 ms. */
export async function unifiedDiff(
  { path, before, after }: FileChange,
): Promise<string> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import("diff");
  const nothing = "/dev/null";
  return createTwoFilesPatch(
    before === null ? nothing : path,
    after === null ? nothing : path,
    before ?? "",
    after ?? "",
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY },
  );
}
