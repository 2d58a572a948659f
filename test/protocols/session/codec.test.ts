import assert from 'node:assert/strict'
import { DecodeError, fixed, Reader, u8, u16, u32 } from '../../../protocols/session/codec.ts'

describe('Reader', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7)

  it('reads numbers little-endian, as they are written', () => {
    const reader = new Reader(new Uint8Array([...u8(7), ...u16(0x1234), ...u32(0xfedcba98)]))
    assert.deepEqual([reader.u8(), reader.u16(), reader.u32()], [7, 0x1234, 0xfedcba98])
    assert.equal(reader.end('all'), 'all')
  })

  it('copies what it takes, so that a message keeps no frame alive', () => {
    const frame = bytes.slice()
    const taken = new Reader(frame).take(3)
    frame.fill(0)
    assert.deepEqual(taken, Uint8Array.of(1, 2, 3))
    assert.equal(taken.buffer.byteLength, 3)
  })

  it('refuses to read past the end, in any way', () => {
    for (const read of [
      (reader: Reader) => reader.take(8),
      (reader: Reader) => reader.list(2, 4),
      (reader: Reader) => [reader.take(7), reader.u8()],
      (reader: Reader) => [reader.take(6), reader.u16()],
      (reader: Reader) => [reader.take(4), reader.u32()],
      (reader: Reader) => reader.value(8, (value) => value),
    ])
      assert.throws(() => read(new Reader(bytes)), DecodeError)
  })

  it('refuses leftovers and numbers above their bound', () => {
    const reader = new Reader(bytes)
    reader.take(6)
    assert.throws(() => reader.end(0), DecodeError)
    assert.throws(() => new Reader(Uint8Array.of(5)).u8(4), DecodeError)
    assert.throws(() => new Reader(Uint8Array.of(0, 1)).u16(255), DecodeError)
    assert.throws(() => new Reader(Uint8Array.of(0, 0, 1, 0)).u32(65_535), DecodeError)
  })

  it("turns another library's error into its own", () => {
    const parse = () => {
      throw new TypeError('theirs')
    }
    assert.throws(
      () => new Reader(bytes).value(2, parse),
      (error: unknown) => error instanceof DecodeError && error.cause instanceof TypeError,
    )
  })
})

describe('fixed()', () => {
  const codec = fixed<{ a: Uint8Array; b: Uint8Array; none: Uint8Array }>({ a: 2, b: 3, none: 0 })
  const value = { a: Uint8Array.of(1, 2), b: Uint8Array.of(3, 4, 5), none: new Uint8Array() }

  it('lays the fields out one after the other and says where', () => {
    assert.equal(codec.size, 5)
    assert.deepEqual(codec.fields, [
      { name: 'a', length: 2 },
      { name: 'b', length: 3 },
      { name: 'none', length: 0 },
    ])
    assert.deepEqual(codec.encode(value), Uint8Array.of(1, 2, 3, 4, 5))
    assert.deepEqual(codec.decode(codec.encode(value)), value)
  })

  it('refuses every other length, and takes a wrong field of ours for a defect', () => {
    for (const length of [0, 4, 6])
      assert.throws(() => codec.decode(new Uint8Array(length)), DecodeError)
    assert.throws(() => codec.encode({ ...value, a: new Uint8Array(3) }), /^Error: bug/)
  })
})
