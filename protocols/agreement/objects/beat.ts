import {
  b16,
  b32,
  bool,
  increasing,
  index,
  list,
  MAX_MEMBERS,
  nullable,
  ordinal,
  row,
  text,
  uint,
} from './items.ts'
import { type ObjectCodec, object } from './object-codec.ts'
import { Stamp } from './root-signatures.ts'
import { type SignedCodec, signedObject } from './signed.ts'

/** The newest entry of a log (05 §1.6). */
export interface LogHead {
  /** At most 128 characters. */
  readonly subject: string
  readonly index: number
  readonly entryHash: Uint8Array
}

/** What a member last saw of another. */
export interface Seen {
  readonly index: number
  /** 16 bytes, random at every start. */
  readonly bootId: Uint8Array
  /** The highest number of synced promises that it has signed. */
  readonly vaultSeq: number
}

export interface SeenContributing extends Seen {
  readonly contributing: boolean
}

/** What each guest says of itself each second, signed (03 §1.2). */
export interface Beat {
  readonly committeeId: Uint8Array
  /** Its clock, unix milliseconds. */
  readonly time: number
  readonly e: number
  readonly recordHash: Uint8Array
  /** 16 bytes. */
  readonly bootId: Uint8Array
  readonly bootCounter: number
  readonly vaultSeq: number
  readonly headHash: Uint8Array
  /** The highest epoch that it cannot open any more. */
  readonly erasedEpoch: number | null
  /** `listRoot` of its log heads. */
  readonly headsRoot: Uint8Array
  /** Heads that changed, at most 64. */
  readonly changed: readonly LogHead[]
  /** Instances with its own COMMIT and without a certificate, at most 64. */
  readonly open: readonly Uint8Array[]
  /** Strictly increasing by index. */
  readonly seen: readonly SeenContributing[]
  readonly index: number
}

const MAX_SUBJECT_CHARS = 128
/** What does not fit is fetched by the roots. */
const MAX_CHANGED = 64
const MAX_OPEN = 64

const logHead = row<LogHead>({ subject: text(MAX_SUBJECT_CHARS), index: uint, entryHash: b32 })

export const Beat: SignedCodec<Beat> = signedObject<Beat>('beat', {
  committeeId: b32,
  time: uint,
  e: uint,
  recordHash: b32,
  bootId: b16,
  bootCounter: uint,
  vaultSeq: uint,
  headHash: b32,
  erasedEpoch: nullable(uint),
  headsRoot: b32,
  changed: list(logHead, MAX_CHANGED),
  open: list(b32, MAX_OPEN),
  seen: increasing(
    list(
      row<SeenContributing>({ index, bootId: b16, vaultSeq: uint, contributing: bool }),
      MAX_MEMBERS,
    ),
    (entry) => entry.index,
  ),
  index,
})

/** Whoever asks for the newest record (03 §3.1). Not signed. */
export interface HeadAsk {
  /** 16 bytes, fresh. */
  readonly nonce: Uint8Array
  /** The highest epoch that the asker knows. */
  readonly e: number
}

export const HeadAsk: ObjectCodec<HeadAsk> = object<HeadAsk>('headAsk', { nonce: b16, e: uint })

export interface Head {
  /** That of the question. */
  readonly nonce: Uint8Array
  readonly committeeId: Uint8Array
  readonly e: number
  readonly k: number
  readonly recordHash: Uint8Array
  readonly stamp: Stamp | null
  /** Strictly increasing by index. */
  readonly seen: readonly Seen[]
  readonly index: number
}

export const Head: SignedCodec<Head> = signedObject<Head>('head', {
  nonce: b16,
  committeeId: b32,
  e: uint,
  k: ordinal,
  recordHash: b32,
  stamp: nullable(Stamp),
  seen: increasing(
    list(row<Seen>({ index, bootId: b16, vaultSeq: uint }), MAX_MEMBERS),
    (entry) => entry.index,
  ),
  index,
})
