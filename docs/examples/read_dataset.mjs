// Reads a dataset of sftdata. On the command line it prints each row as a line of JSON:
//   npm install apache-arrow && node read_dataset.mjs DATASET
import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { tableFromIPC } from "apache-arrow";

const IGNORED = -100; // the label of a token outside the loss
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The manifest, after its own digest was checked: that of its bytes with 64 zeros in its place. */
export function readManifest(dataset) {
  const text = readFileSync(join(dataset, "manifest.json"), "utf8");
  const seal = text.match(/"own_sha256": "([0-9a-f]{64})"\n}\n$/);
  if (seal && sha256(text.slice(0, seal.index) + seal[0].replace(seal[1], "0".repeat(64))) !== seal[1])
    throw new Error("manifest.json: its digest differs");
  const manifest = JSON.parse(text);
  if (!seal && ("files" in manifest || "own_sha256" in manifest))
    throw new Error("manifest.json: its digest is damaged");
  if (manifest.version !== 1) throw new Error(`version ${manifest.version} of the format`);
  return manifest;
}

/** The bytes of a file that the manifest names, after their digest was checked. */
export function readFile(dataset, path, recorded) {
  const file = realpathSync(join(dataset, path));
  if (!file.startsWith(realpathSync(dataset) + sep)) throw new Error(`${path}: outside the dataset`);
  const bytes = readFileSync(file);
  if (bytes.length !== recorded.bytes || sha256(bytes) !== recorded.sha256)
    throw new Error(`${path}: not as the manifest records it`);
  return bytes;
}

/** Every row, split by split, in the order of the shards. */
export function* readRows(dataset) {
  const { splits } = readManifest(dataset);
  for (const [split, { shards }] of Object.entries(splits)) {
    for (const shard of shards) {
      for (const row of tableFromIPC(readFile(dataset, shard.path, shard))) {
        const { row_id, template, target_start, task } = row.toJSON();
        const ids = [...row.input_ids], mask = [...row.label_mask];
        const labels = ids.map((id, at) => (mask[at] ? id : IGNORED));
        yield { split, row_id, template, task, input_ids: ids, labels, target_start };
      }
    }
  }
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href)
  try {
    for (const row of readRows(process.argv[2])) process.stdout.write(JSON.stringify(row) + "\n");
  } catch (error) {
    console.error(`Error: ${error.message}`);
    process.exitCode = 1;
  }
