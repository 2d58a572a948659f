import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { LaunchError } from './launch-error.ts'

const ROOT_BYTES = 32
export const EPOCH_FILE_BYTES = 4096 // the empty file of epoch secrets; its layout is the guest's alone
const OTHERS = 0o077 // mode bits of everyone but the owner
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

const rootPath = (keysDir: string): string => join(keysDir, 'root.key')
const epochsPath = (keysDir: string): string => join(keysDir, 'epochs.key')

/**
 * Makes the two key files of the software backend (04 §7), readable by their owner only, durable when
 * it resolves. Throws `LaunchError` KEYS_EXIST: a key that may be in use is never replaced.
 */
export async function prepareKeys(keysDir: string): Promise<void> {
  await mkdir(keysDir, { recursive: true, mode: PRIVATE_FOLDER })
  const root = randomBytes(ROOT_BYTES)
  try {
    await writeNew(rootPath(keysDir), root)
    await writeNew(epochsPath(keysDir), new Uint8Array(EPOCH_FILE_BYTES))
  } finally {
    root.fill(0)
  }
  const folder = await open(keysDir, constants.O_RDONLY)
  await folder.sync()
  await folder.close()
}

/** Descriptors for the guest to inherit; the host reads neither. Throws `LaunchError`: KEYS_MISSING, KEYS_UNSAFE. */
export async function openKeys(keysDir: string): Promise<{
  readonly root: FileHandle
  readonly epochs: FileHandle
}> {
  const root = await openPrivate(rootPath(keysDir), constants.O_RDONLY)
  try {
    // O_DSYNC: a write is on the disk when it returns, for the guest may not call fdatasync.
    const epochs = await openPrivate(epochsPath(keysDir), constants.O_RDWR | constants.O_DSYNC)
    return { root, epochs }
  } catch (error) {
    await root.close()
    throw error
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  let file: FileHandle
  try {
    file = await open(path, 'wx', PRIVATE_FILE)
  } catch (cause) {
    if (!isCode(cause, 'EEXIST')) throw cause
    throw new LaunchError('KEYS_EXIST', `${path} exists already; it is never replaced`, { cause })
  }
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
}

async function openPrivate(path: string, flags: number): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, flags)
  } catch (cause) {
    if (!isCode(cause, 'ENOENT')) throw cause
    throw new LaunchError(
      'KEYS_MISSING',
      `${path} is missing; without it the records of this node cannot be opened`,
      { cause },
    )
  }
  const { mode } = await file.stat()
  if ((mode & OTHERS) === 0) return file
  await file.close()
  throw new LaunchError('KEYS_UNSAFE', `${path} is open to other users; run: chmod 600 ${path}`)
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
