import {
  createCipheriv,
  createDecipheriv,
  createHash,
  type Hash,
  randomBytes,
  scrypt,
} from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { z } from 'zod'
import { BACKUP_HEAD, type BackupHead } from '../node/operator/messages.ts'

/**
 * A backup of one node in one file (04 §10), a JSON object in each line: the head; each sealed record as it lies on
 * the disk; last the key files, under a passphrase (scrypt, ChaCha20-Poly1305), bound to every line before them. The
 * records without the passphrase are what a stolen disk without its key files is.
 */

/** What `scrypt` costs: N = 2^17, r = 8 takes 128 MiB and some tenths of a second. */
export interface KdfCost {
  readonly logN: number
  readonly r: number
  readonly p: number
}

export const KDF_COST: KdfCost = { logN: 17, r: 8, p: 1 }
const MAX_LOG_N = 20 // 1 GiB: no file of ours asks for more
export const MIN_PASSPHRASE = 12
const CIPHER = 'chacha20-poly1305'
const TAG_BYTES = 16
const MAX_LINE_CHARS = 4 * 1024 * 1024 // a record of 1 MiB in base64, and its name
const MAX_RECORDS = 10_000_000
const RECORD_NAME = /^(n|e\/[0-9a-f]{8,16})\/[a-z]\/[a-z0-9]{4,32}$/ // 04 §6

/** Small files of a node that are secret, or of no use alone: by their names here. */
export type SecretFiles = Readonly<Record<string, Uint8Array>>

export interface BackupInfo extends BackupHead {
  /** Unix ms. */
  readonly createdAt: number
}

interface Head extends BackupInfo {
  readonly holdfast: 'backup'
  readonly version: 1
  readonly kdf: KdfCost & { readonly salt: string }
}

const HEAD: z.ZodType<Head> = z
  .object({
    holdfast: z.literal('backup'),
    version: z.literal(1),
    createdAt: z.int().nonnegative(),
    kdf: z.strictObject({
      logN: z.int().min(10).max(MAX_LOG_N),
      r: z.int().min(1).max(16),
      p: z.int().min(1).max(4),
      salt: z.string().regex(/^[0-9a-f]{32}$/),
    }),
  })
  .and(z.looseObject({}))
  .transform((value) => ({
    ...value,
    ...BACKUP_HEAD.parse(
      Object.fromEntries(
        Object.entries(value).filter(
          ([name]) => !['holdfast', 'version', 'createdAt', 'kdf'].includes(name),
        ),
      ),
    ),
  })) as z.ZodType<Head>
const RECORD = z.tuple([z.string().regex(RECORD_NAME), z.base64()])
const SEALED = z.strictObject({
  sealed: z.strictObject({ nonce: z.string().regex(/^[0-9a-f]{24}$/), box: z.base64() }),
})
const FILES: z.ZodType<Record<string, string>> = z.record(
  z.string().regex(/^[a-z][a-z.-]{1,40}$/),
  z.base64(),
)

/** A file that is no backup, was changed, or does not open with this passphrase. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}

/** Writes a backup; the file must not exist. What fails leaves the file behind for its maker to remove. */
export async function writeBackup(
  path: string,
  info: BackupInfo,
  pages: AsyncIterable<readonly (readonly [name: string, sealed: Uint8Array])[]>,
  secret: { readonly files: SecretFiles; readonly passphrase: string; readonly cost?: KdfCost },
): Promise<{ readonly records: number; readonly bytes: number }> {
  const salt = randomBytes(16)
  const cost = secret.cost ?? KDF_COST
  const key = await deriveKey(secret.passphrase, salt, cost)
  const file = await open(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let records = 0
  let bytes = 0
  const line = async (value: unknown): Promise<void> => {
    const text = `${JSON.stringify(value)}\n`
    hash.update(text)
    bytes += text.length
    await writeAll(file, text)
  }
  try {
    const head: Head = {
      holdfast: 'backup',
      version: 1,
      ...info,
      kdf: { ...cost, salt: salt.toString('hex') },
    }
    await line(head)
    for await (const page of pages)
      for (const [name, sealed] of page) {
        await line([name, Buffer.from(sealed).toString('base64')])
        records++
      }
    const sealed = seal(key, secret.files, hash)
    await writeAll(file, `${JSON.stringify({ sealed })}\n`)
    await file.sync()
  } finally {
    key.fill(0)
    await file.close()
  }
  return { records, bytes }
}

/** What a backup says of itself; nothing of it is checked. @throws BackupError */
export async function readBackupInfo(path: string): Promise<BackupInfo> {
  for await (const text of linesOf(path)) return infoOf(headOf(text))
  throw new BackupError(`${path} is empty`)
}

/**
 * Reads a whole backup: gives each record, then the key files once they are opened, which shows that nothing in the
 * file was changed. Whoever keeps the records throws them away when this throws. @throws BackupError
 */
export async function readBackup(
  path: string,
  passphrase: string,
  record: (name: string, sealed: Uint8Array) => Promise<void>,
): Promise<{ readonly info: BackupInfo; readonly files: SecretFiles; readonly records: number }> {
  const hash = createHash('sha256')
  let head: Head | undefined
  let records = 0
  let last: string | undefined
  for await (const text of linesOf(path)) {
    if (head === undefined) head = headOf(text)
    else if (last === undefined && text.startsWith('[')) {
      const parsed = RECORD.safeParse(jsonOf(text))
      if (!parsed.success || ++records > MAX_RECORDS)
        throw new BackupError(`line ${records + 1} of ${path} is no record`)
      await record(parsed.data[0], new Uint8Array(Buffer.from(parsed.data[1], 'base64')))
    } else if (last === undefined) {
      last = text
      continue
    } else throw new BackupError(`${path} goes on behind its end`)
    hash.update(`${text}\n`)
  }
  if (head === undefined || last === undefined)
    throw new BackupError(`${path} is cut off: its key files are missing`)
  const salt = Buffer.from(head.kdf.salt, 'hex')
  const key = await deriveKey(passphrase, salt, head.kdf)
  try {
    return { info: infoOf(head), files: unseal(key, last, hash, path), records }
  } finally {
    key.fill(0)
  }
}

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt)

function deriveKey(passphrase: string, salt: Buffer, { logN, r, p }: KdfCost): Promise<Buffer> {
  const N = 2 ** logN
  return derive(passphrase.normalize('NFC'), salt, 32, { N, r, p, maxmem: 256 * N * r })
}

function seal(key: Buffer, files: SecretFiles, hash: Hash): { nonce: string; box: string } {
  const nonce = randomBytes(12)
  const plain = Buffer.from(
    JSON.stringify(
      Object.fromEntries(
        Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
      ),
    ),
  )
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(hash.digest(), { plaintextLength: plain.length })
  const box = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  plain.fill(0)
  return { nonce: nonce.toString('hex'), box: box.toString('base64') }
}

function unseal(key: Buffer, text: string, hash: Hash, path: string): SecretFiles {
  const parsed = SEALED.safeParse(jsonOf(text))
  if (!parsed.success) throw new BackupError(`the last line of ${path} holds no key files`)
  const { nonce, box } = parsed.data.sealed
  const bytes = Buffer.from(box, 'base64')
  const body = bytes.subarray(0, -TAG_BYTES)
  const cipher = createDecipheriv(CIPHER, key, Buffer.from(nonce, 'hex'), {
    authTagLength: TAG_BYTES,
  })
  cipher.setAAD(hash.digest(), { plaintextLength: body.length })
  cipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  let plain: Buffer
  try {
    plain = Buffer.concat([cipher.update(body), cipher.final()])
  } catch (cause) {
    throw new BackupError(`${path} does not open: another passphrase, or the file was changed`, {
      cause,
    })
  }
  const files = FILES.parse(JSON.parse(plain.toString('utf8')))
  plain.fill(0)
  return Object.fromEntries(
    Object.entries(files).map(([name, base64]) => [
      name,
      new Uint8Array(Buffer.from(base64, 'base64')),
    ]),
  )
}

function headOf(text: string): Head {
  const parsed = HEAD.safeParse(jsonOf(text))
  if (parsed.success) return parsed.data
  throw new BackupError('this is no backup of a node')
}

function infoOf({ holdfast: _, version: __, kdf: ___, ...info }: Head): BackupInfo {
  return info
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the shape says that it is none
  }
}

async function* linesOf(path: string): AsyncIterable<string> {
  const stream = createReadStream(path, { encoding: 'utf8' })
  try {
    for await (const text of createInterface({
      input: stream,
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      if (text.length > MAX_LINE_CHARS) throw new BackupError(`${path} is no backup of a node`)
      yield text
    }
  } finally {
    stream.destroy()
  }
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  await file.writeFile(text)
}
