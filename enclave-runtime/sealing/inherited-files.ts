import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { Secret } from '../../protocols/crypto/secret.ts'
import { SealingError } from './backend.ts'
import type { EpochFile } from './software-backend.ts'

export const ROOT_FD = 3
export const EPOCHS_FD = 4
const ROOT_BYTES = 32

/** Reads D from an inherited descriptor and closes it. Throws `SealingError` UNAVAILABLE unless it is exactly 32 bytes. */
export function readRoot(fd: number = ROOT_FD): Secret<Uint8Array> {
  const bytes = new Uint8Array(ROOT_BYTES + 1)
  try {
    const length = readSync(fd, bytes, 0, bytes.length, 0)
    closeSync(fd)
    if (length !== ROOT_BYTES || bytes.every((byte) => byte === 0))
      throw new SealingError('UNAVAILABLE', 'the root key file does not hold 32 bytes')
    return new Secret(bytes.slice(0, ROOT_BYTES))
  } catch (cause) {
    if (cause instanceof SealingError) throw cause
    throw new SealingError('UNAVAILABLE', 'the root key file cannot be read', { cause })
  } finally {
    bytes.fill(0)
  }
}

/**
 * The epoch file behind an inherited descriptor. The launcher opens it with O_DSYNC, so that a write is on
 * the disk when it returns: the permission model refuses fsync and fdatasync to the guest.
 */
export function inheritedEpochFile(fd: number = EPOCHS_FD): EpochFile {
  const done = <T>(what: string, run: () => T): T => {
    try {
      return run()
    } catch (cause) {
      throw new SealingError('UNAVAILABLE', `the epoch file cannot be ${what}`, { cause })
    }
  }
  return {
    size: () => done('examined', () => fstatSync(fd).size),
    read: (at, length) =>
      done('read', () => {
        const bytes = new Uint8Array(length)
        if (readSync(fd, bytes, 0, length, at) !== length) throw new Error('cut short')
        return bytes
      }),
    write: (at, bytes) =>
      done('written', () => {
        if (writeSync(fd, bytes, 0, bytes.length, at) !== bytes.length) throw new Error('cut short')
      }),
  }
}
