import { z } from 'zod'
import type { MemberFields } from '../../enclave-runtime/host/guest.ts'
import { ConfigError } from './config.ts'

/** What one node hands to whoever assembles the genesis: public keys and names, no secret. */
interface MemberFile {
  readonly version: 1
  readonly guestSig: string
  readonly guestEnc: string
  readonly peerId: string
  readonly operatorKey: string
  readonly measurement: string
  readonly evidenceHash: string
  readonly label: string
}

export const MAX_MEMBER_FILE_BYTES = 4096 // six short fields

const hex32: z.ZodType<string> = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
const File: z.ZodType<MemberFile> = z.strictObject({
  version: z.literal(1),
  guestSig: hex32,
  guestEnc: hex32,
  peerId: z.string().max(128),
  operatorKey: hex32,
  measurement: hex32,
  evidenceHash: hex32,
  label: z.string().max(64),
})

/** The text of a member.json. */
export function formatMemberFile(member: MemberFields): string {
  const file: MemberFile = {
    version: 1,
    guestSig: toHex(member.guestSig),
    guestEnc: toHex(member.guestEnc),
    peerId: member.peerId,
    operatorKey: toHex(member.operatorKey),
    measurement: toHex(member.measurement),
    evidenceHash: toHex(member.evidenceHash),
    label: member.label,
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** Reads a member.json; `name` is for messages. @throws ConfigError */
export function parseMemberFile(text: string, name: string): MemberFields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new ConfigError([`${name} is not JSON: ask its operator for a fresh copy`], { cause })
  }
  const parsed = File.safeParse(value)
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map((issue) => `${name}: ${issue.path.join('.')} ${issue.message}`),
    )
  const { guestSig, guestEnc, peerId, operatorKey, measurement, evidenceHash, label } = parsed.data
  return {
    guestSig: fromHex(guestSig),
    guestEnc: fromHex(guestEnc),
    peerId,
    operatorKey: fromHex(operatorKey),
    measurement: fromHex(measurement),
    evidenceHash: fromHex(evidenceHash),
    label,
  }
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
