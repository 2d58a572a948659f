import { DecodeError } from '../session/codec.ts'

/**
 * Fields of canonical arrays (spec "Encoding", 03 §1.1), each with its bound. A value of another kind
 * is a `DecodeError` that names the field.
 */
const refuse = (name: string, expected: string): never => {
  throw new DecodeError(`${name} is not ${expected}`)
}

/** An array `[type, 1, …]` with exactly `count` fields after the version; returns those fields. */
export function objectFields(value: unknown, type: string, count: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== count + 2) return refuse(type, `${count} fields`)
  const [name, version, ...fields] = value as unknown[]
  if (name !== type || version !== 1) return refuse(type, `a ${type} of version 1`)
  return fields
}

export function listField(value: unknown, name: string, max: number): readonly unknown[] {
  return Array.isArray(value) && value.length <= max
    ? (value as unknown[])
    : refuse(name, `a list of at most ${max}`)
}

export function bytesField(value: unknown, name: string, length: number): Uint8Array {
  return value instanceof Uint8Array && value.length === length
    ? value
    : refuse(name, `${length} bytes`)
}

export function uintField(
  value: unknown,
  name: string,
  max: number = Number.MAX_SAFE_INTEGER,
  min: number = 0,
): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
    ? value
    : refuse(name, `an integer from ${min} to ${max}`)
}

/** Printable ASCII. */
export function textField(value: unknown, name: string, max: number): string {
  return typeof value === 'string' && value.length <= max && /^[\x20-\x7e]*$/.test(value)
    ? value
    : refuse(name, `printable text of at most ${max} characters`)
}
