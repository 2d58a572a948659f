import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/** Kinds of developer keys (05 §2.2). */
export type KeyAlgorithm = 'ES256' | 'EdDSA' | 'ES256K'

/** The developer key of an account and what it is for. The file is as secret as the key: mode 0600. */
export interface AccountFile {
  readonly version: 1
  readonly networkId: string
  /** UUID. */
  readonly accountId: string
  readonly address: string
  readonly keyId: string
  readonly publicKey: string
  readonly credential: {
    readonly alg: KeyAlgorithm
    /** PKCS #8, base64. */
    readonly privateKey: string
  }
}

const hex32 = z.string().regex(/^(0x)?[0-9a-f]{64}$/)
const File: z.ZodType<AccountFile> = z.strictObject({
  version: z.literal(1),
  networkId: hex32,
  accountId: z.uuid(),
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  keyId: z.string().min(1).max(128),
  publicKey: z.string().min(1).max(132),
  credential: z.strictObject({
    alg: z.enum(['ES256', 'EdDSA', 'ES256K']),
    privateKey: z.base64().max(4096),
  }),
})
/** What lies under `home` for an account whose file is elsewhere. */
const Pointer: z.ZodType<{ readonly keyFile: string }> = z.strictObject({ keyFile: z.string() })

const fileOf = (dir: string, accountId: string): string =>
  join(dir, 'accounts', `${accountId.toLowerCase()}.json`)

/** Where the key of an account is kept that is made with `--dir`, or without. */
export const accountFilePath = (dir: string | undefined, home: string, accountId: string): string =>
  fileOf(resolve(dir ?? home), accountId)

/** Writes the key file of a new account, and under `home` where it is, so that `sign` finds it by itself. */
export async function writeAccountFile(
  account: AccountFile,
  options: { dir?: string },
  home: string,
): Promise<string> {
  const file = accountFilePath(options.dir, home, account.accountId)
  await writeNew(file, account)
  const known = accountFilePath(undefined, home, account.accountId)
  if (known !== file) await writeNew(known, { keyFile: file })
  return file
}

/** Finds and reads the key file of an account. @throws CommandError that says where it was looked for. */
export async function readAccountFile(
  accountId: string,
  options: { dir?: string; keyFile?: string },
  home: string,
): Promise<AccountFile> {
  if (!z.uuid().safeParse(accountId).success)
    throw new CommandError(EXIT.refused, `--account ${accountId} is not an account id`, {
      hint: 'it is the accountId that "holdfast account create" printed',
    })
  const places =
    options.keyFile === undefined
      ? [
          ...new Set(
            [options.dir ?? home, home].map((dir) => accountFilePath(dir, home, accountId)),
          ),
        ]
      : [resolve(options.keyFile)]
  for (const place of places) {
    const found = await readOne(place)
    if (found === undefined) continue
    if (found.accountId.toLowerCase() === accountId.toLowerCase()) return found
    throw new CommandError(EXIT.refused, `${place} is the key of account ${found.accountId}`)
  }
  throw new CommandError(EXIT.refused, `there is no key for account ${accountId}`, {
    hint: `looked for ${places.join(' and ')}; name the file with --key-file, or its directory with --dir`,
  })
}

async function readOne(file: string, followed = false): Promise<AccountFile | undefined> {
  let text: string
  try {
    const { mode } = await stat(file)
    text = await readFile(file, 'utf8')
    if ((mode & 0o077) !== 0)
      throw new CommandError(EXIT.refused, `${file} can be read by others`, {
        hint: `chmod 600 ${file}`,
      })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const value = json(text)
  const pointer = Pointer.safeParse(value)
  if (pointer.success && !followed) return await readOne(pointer.data.keyFile, true)
  const parsed = File.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CommandError(EXIT.refused, `${file} is not a key file`, {
    hint: 'restore it from a backup: without it nobody can sign for this account',
  })
}

async function writeNew(file: string, content: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // then it is no key file, which is said with its name
  }
}
