import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { openLevelStore } from '../../enclave-runtime/host/level-store.ts'
import type { Row } from '../../enclave-runtime/host/record-store.ts'
import { ConfigError } from '../node/config.ts'
import { nodeFiles } from '../node/node-files.ts'
import { type BackupInfo, readBackup, type SecretFiles } from './backup-file.ts'

/** Where each file of a backup lies, by its name there. */
export const backupPaths = (dir: string, keysDir: string): Readonly<Record<string, string>> => {
  const files = nodeFiles({ dir, dataDir: dir })
  return {
    'root.key': join(keysDir, 'root.key'),
    'epochs.key': join(keysDir, 'epochs.key'),
    'peer.key': files.peerKey,
    'operator.key': files.operatorKey,
    'genesis.cbor': files.genesis,
    'genesis-answer': files.genesisAnswer,
    'member.json': files.member,
    'node.toml': files.config,
  }
}

/** Without these a directory is no node; the others are restored where the backup has them. */
const NEEDED = ['root.key', 'epochs.key', 'peer.key', 'genesis.cbor', 'node.toml']
const ROWS = 64 // of one batch

/**
 * Makes the directory of a node from a backup. What fails is undone: a directory is a node or nothing. The guest finds
 * out by itself that it was rolled back (03 §9.4).
 */
export async function restoreNode(
  backup: string,
  passphrase: string,
  at: { readonly dir: string; readonly keysDir: string },
): Promise<{ readonly info: BackupInfo; readonly records: number }> {
  const dir = resolve(at.dir)
  const keysDir = resolve(at.keysDir)
  for (const folder of [dir, keysDir]) await assertEmpty(folder)
  const files = nodeFiles({ dir, dataDir: dir })
  try {
    for (const folder of [dir, keysDir, dirname(files.peerKey)])
      await mkdir(folder, { recursive: true, mode: 0o700 })
    const store = await openLevelStore(files.records)
    let restored: Awaited<ReturnType<typeof readBackup>>
    try {
      let rows: Row[] = []
      restored = await readBackup(backup, passphrase, async (name, sealed) => {
        rows.push([name, sealed])
        if (rows.length < ROWS) return
        await store.batch({ puts: rows, deletes: [] })
        rows = []
      })
      await store.batch({ puts: rows, deletes: [] })
    } finally {
      await store.close()
    }
    await writeFiles(restored.files, backupPaths(dir, keysDir), keysDir)
    return { info: restored.info, records: restored.records }
  } catch (error) {
    for (const folder of [dir, keysDir]) await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function writeFiles(
  given: SecretFiles,
  paths: Readonly<Record<string, string>>,
  keysDir: string,
): Promise<void> {
  const missing = NEEDED.filter((name) => given[name] === undefined)
  if (missing.length > 0) throw new ConfigError([`the backup lacks ${missing.join(', ')}`])
  for (const [name, path] of Object.entries(paths)) {
    const bytes = name === 'node.toml' ? settingsHere(given[name], keysDir) : given[name]
    if (bytes === undefined) continue
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

/** The settings of the node, with its directories where they are now. */
function settingsHere(bytes: Uint8Array | undefined, keysDir: string): Uint8Array {
  const { dataDir: _, ...settings } = parse(new TextDecoder().decode(bytes))
  return new TextEncoder().encode(stringify({ ...settings, keysDir }))
}

async function assertEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length > 0)
    throw new ConfigError([`${folder} is not empty: a node is never restored over another`])
}
