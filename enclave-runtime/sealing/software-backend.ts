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
const SLOTS = 64 // what serves, what ends and an attempt are in use; a slot is free again when its epoch is destroyed
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
      const used = slots()
      const free = used.find(({ content }) => content === undefined)
      wipe(used)
      if (free === undefined)
        throw new SealingError('UNAVAILABLE', 'no room for another epoch secret')
      const secret = random(SECRET_BYTES)
      const slot = encodeSlot(epoch, secret)
      epochs.write(free.at, slot)
      const back = epochs.read(free.at, SLOT_BYTES)
      const same = sameBytes(back, slot)
      back.fill(0)
      slot.fill(0)
      if (!same) throw new SealingError('UNAVAILABLE', 'the epoch secret does not read back')
      return { secret: new Secret(secret), data: dataOf(epoch, secret) }
    },

    async openEpoch(epoch, data) {
      const all = slots()
      const made = all.flatMap(({ content }) => (content?.epoch === epoch ? [content] : []))
      const found = made.find(({ secret }) => sameBytes(dataOf(epoch, secret), data))
      wipe(all, found?.secret)
      if (made.length === 0)
        throw new SealingError('EPOCH_ERASED', `epoch ${epoch} has no secret here any more`)
      if (found === undefined)
        throw new SealingError('WRONG_DEVICE', `the secret of epoch ${epoch} is another device's`)
      return new Secret(found.secret)
    },

    async eraseBefore(epoch) {
      overwrite(epochs, ({ content }) => content === undefined || content.epoch < epoch)
    },

    async erase(epoch) {
      overwrite(epochs, ({ content }) => content === undefined || content.epoch === epoch)
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

/** Zeros over these slots, each read back. A slot that says nothing is one that a crash left half written. */
function overwrite(file: EpochFile, isOver: (slot: Slot) => boolean): void {
  const all = readSlots(file)
  const over = all.filter((slot) => isOver(slot) && slot.bytes.some((byte) => byte !== 0))
  wipe(all)
  for (const { at } of over) {
    file.write(at, new Uint8Array(SLOT_BYTES))
    if (file.read(at, SLOT_BYTES).some((byte) => byte !== 0))
      throw new SealingError('UNAVAILABLE', 'an erased epoch secret still reads back')
  }
}

/** The copies that were read, but for the one secret that goes on. */
function wipe(slots: readonly Slot[], kept?: Uint8Array): void {
  for (const { bytes, content } of slots) {
    bytes.fill(0)
    if (content !== undefined && content.secret !== kept) content.secret.fill(0)
  }
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
  const input = concatBytes(number, secret)
  const data = blake3(input, { context: DATA_CONTEXT })
  input.fill(0)
  return data
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
