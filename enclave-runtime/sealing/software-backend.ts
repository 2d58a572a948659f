import { blake3 } from '@noble/hashes/blake3.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from '../../protocols/crypto/random.ts'
import { Secret } from '../../protocols/crypto/secret.ts'
import { type SealingBackend, SealingError } from './backend.ts'

/** The file of epoch secrets, reached through a descriptor. A write is durable when it returns. */
export interface EpochFile {
  size(): number
  read(at: number, length: number): Uint8Array
  write(at: number, bytes: Uint8Array): void
}

const SECRET_BYTES = 32
const SLOT_BYTES = 64 // epoch u64be | secret 32 | check 16 | 8 zero bytes; never across a sector
const SLOTS = 64 // two epochs at a time are in use; the rest is for attempts that a crash cut short
export const EPOCH_FILE_BYTES: number = SLOT_BYTES * SLOTS
const CHECK_CONTEXT: Uint8Array = utf8ToBytes('holdfast/1/seal/slot')
const DATA_CONTEXT: Uint8Array = utf8ToBytes('holdfast/1/seal/epoch-data')

/**
 * Keys in two files outside the data directory (04 §7, row software): whoever has the disk and both
 * files is the node. Erasing overwrites; solid-state drives, copy-on-write and snapshots may keep the old.
 */
export function softwareBackend(
  root: Secret<Uint8Array>,
  epochs: EpochFile,
  random: Random,
): SealingBackend {
  const slots = () => readSlots(epochs)
  return {
    kind: 'software',
    erasure: 'file',
    root: async () => root,

    async makeEpoch(epoch) {
      const free = slots().find(({ content }) => content === undefined)
      if (free === undefined)
        throw new SealingError('UNAVAILABLE', 'no room for another epoch secret')
      const secret = random(SECRET_BYTES)
      epochs.write(free.at, encodeSlot(epoch, secret))
      const back = slots().find(({ at }) => at === free.at)?.content
      if (back === undefined || back.epoch !== epoch)
        throw new SealingError('UNAVAILABLE', 'the epoch secret does not read back')
      return { secret: new Secret(secret), data: dataOf(epoch, secret) }
    },

    async openEpoch(epoch, data) {
      const made = slots().flatMap(({ content }) => (content?.epoch === epoch ? [content] : []))
      if (made.length === 0)
        throw new SealingError('EPOCH_ERASED', `epoch ${epoch} has no secret here any more`)
      const found = made.find(({ secret }) => sameBytes(dataOf(epoch, secret), data))
      if (found === undefined)
        throw new SealingError('WRONG_DEVICE', `the secret of epoch ${epoch} is another device's`)
      return new Secret(found.secret)
    },

    async eraseBefore(epoch) {
      for (const { at, content, bytes } of slots()) {
        const kept = content !== undefined && content.epoch >= epoch
        if (!kept && bytes.some((byte) => byte !== 0)) epochs.write(at, new Uint8Array(SLOT_BYTES))
      }
    },
  }
}

interface Slot {
  readonly at: number
  readonly bytes: Uint8Array
  /** Absent in a slot that is free, or that a crash left half written. */
  readonly content: { readonly epoch: bigint; readonly secret: Uint8Array } | undefined
}

function readSlots(file: EpochFile): Slot[] {
  if (file.size() !== EPOCH_FILE_BYTES)
    throw new SealingError('UNAVAILABLE', `the epoch file has not ${EPOCH_FILE_BYTES} bytes`)
  return Array.from({ length: SLOTS }, (_, i) => {
    const at = i * SLOT_BYTES
    const bytes = file.read(at, SLOT_BYTES)
    return { at, bytes, content: decodeSlot(bytes) }
  })
}

function encodeSlot(epoch: bigint, secret: Uint8Array): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES)
  new DataView(slot.buffer).setBigUint64(0, epoch)
  slot.set(secret, 8)
  slot.set(checkOf(slot), 40)
  return slot
}

function decodeSlot(bytes: Uint8Array): Slot['content'] {
  if (!sameBytes(bytes.subarray(40, 56), checkOf(bytes))) return undefined
  const epoch = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
  return { epoch, secret: bytes.slice(8, 40) }
}

const checkOf = (slot: Uint8Array): Uint8Array =>
  blake3(slot.subarray(0, 40), { context: CHECK_CONTEXT, dkLen: 16 })

/** Says which secret an epoch was made with, and nothing about it. */
const dataOf = (epoch: bigint, secret: Uint8Array): Uint8Array => {
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, epoch)
  return blake3(concatBytes(number, secret), { context: DATA_CONTEXT })
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
