/**
 * A folder with everything in it as a value: bytes, modes, links, empty
 * folders.
 * @module
 */

/** What is at a path: a file, a link, or a folder with nothing in it. */
export type Leaf =
  | string
  | { bytes: number[] }
  | { text: string; mode: number }
  | { link: string }
  | { folder: true };

/** Everything below a folder, by relative path. */
export type Tree = Readonly<Record<string, Leaf>>;

/** Makes a tree below a folder. */
export async function writeTree(root: string, tree: Tree): Promise<void> {
  for (const [name, leaf] of Object.entries(tree)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (typeof leaf === "string") await Deno.writeTextFile(path, leaf);
    else if ("bytes" in leaf) {
      await Deno.writeFile(path, new Uint8Array(leaf.bytes));
    } else if ("link" in leaf) await Deno.symlink(leaf.link, path);
    else if ("folder" in leaf) await Deno.mkdir(path);
    else {
      await Deno.writeTextFile(path, leaf.text);
      await Deno.chmod(path, leaf.mode);
    }
  }
}

/**
 * Reads all of a folder so that two of them can be compared: what it is, its
 * mode and owner, and its bytes as a string.
 */
export async function readTree(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await visit("");
  return found;

  async function visit(folder: string): Promise<void> {
    const entries = await Array.fromAsync(Deno.readDir(`${root}/${folder}`));
    for (const { name } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
      const path = folder + name;
      const info = await Deno.lstat(`${root}/${path}`);
      const mode = ((info.mode ?? 0) & 0o7777).toString(8);
      const facts = `${mode} ${info.uid}:${info.gid}`;
      if (info.isDirectory) {
        found[path] = `folder ${facts}`;
        await visit(`${path}/`);
      } else if (info.isSymlink) {
        found[path] = `link ${await Deno.readLink(`${root}/${path}`)}`;
      } else {
        const bytes = await Deno.readFile(`${root}/${path}`);
        const text = Array.from(bytes, (byte) => String.fromCharCode(byte));
        found[path] = `file ${facts}\n${text.join("")}`;
      }
    }
  }
}
