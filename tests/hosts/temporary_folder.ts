/**
 * A folder with files, for one test.
 * @module
 */

/** A folder that is gone when its scope ends. */
export interface TemporaryFolder extends AsyncDisposable {
  /** Its absolute path. */
  path: string;
  /** Every file below it by relative path, unfinished ones included. */
  files: () => Promise<Record<string, string>>;
  /** The text of one file. */
  read: (name: string) => Promise<string>;
  /** Writes one file, its folder included. */
  write: (name: string, text: string) => Promise<void>;
}

/** Makes a folder with these files, by relative path. */
export async function temporaryFolder(
  files: Record<string, string> = {},
): Promise<TemporaryFolder> {
  const path = await Deno.makeTempDir({ prefix: "peili-hosts-" });
  const write = async (name: string, text: string): Promise<void> => {
    const file = `${path}/${name}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return {
    path,
    files: () => filesBelow(path, ""),
    read: (name) => Deno.readTextFile(`${path}/${name}`),
    write,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function filesBelow(
  root: string,
  folder: string,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${folder}`)) {
    const path = `${folder}${name}`;
    if (isDirectory) Object.assign(found, await filesBelow(root, `${path}/`));
    else found[path] = await Deno.readTextFile(`${root}/${path}`);
  }
  return found;
}
