import assert from 'node:assert/strict'
import { Diagnostics } from '../../../enclave-runtime/host/diagnostics.ts'

function heard() {
  const lines: string[] = []
  const clock = { now: 0 }
  const diagnostics = new Diagnostics(
    (line) => lines.push(line),
    () => clock.now,
  )
  const say = (text: string) => diagnostics.push(Buffer.from(text))
  return { lines, clock, diagnostics, say }
}

describe('Diagnostics', () => {
  it('takes code lines with a few plain facts, however they are cut', () => {
    const { lines, say, diagnostics } = heard()
    for (const letter of 'ROLLBACK\nSELF_TEST_FAILED test=blake3 number=7\n') say(letter)
    assert.deepEqual(lines, ['ROLLBACK', 'SELF_TEST_FAILED test=blake3 number=7'])
    assert.equal(diagnostics.last, 'SELF_TEST_FAILED')
  })

  it('passes no free text, whatever it looks like', () => {
    const { lines, say, diagnostics } = heard()
    for (const text of [
      'Error: the share is 42',
      '    at file:///guest.mjs:1:2',
      'rollback',
      'CODE free text',
      'CODE a=b c',
      'CODE\u001b[31m',
      '',
      ' CODE',
    ])
      say(`${text}\n`)
    assert.deepEqual(lines, [])
    assert.equal(diagnostics.last, null)
    assert.equal(diagnostics.ignored, 8)
  })

  it('takes lines up to 200 bytes, and drops longer ones whole', () => {
    const { lines, say, diagnostics } = heard()
    const facts = (size: number) =>
      `CODE a=${'x'.repeat(64)} b=${'y'.repeat(64)} c=${'z'.repeat(size)}`
    const edge = facts(200 - facts(0).length)
    assert.equal(edge.length, 200)
    say(`${edge}\n${edge}z\nNEXT\n`)
    assert.deepEqual(lines, [edge, 'NEXT'])
    assert.equal(diagnostics.ignored, 1)
    say('x'.repeat(1_000_000))
    say('\nAFTER\n')
    assert.equal(lines.at(-1), 'AFTER')
  })

  it('takes 20 lines a second', () => {
    const { lines, say, clock, diagnostics } = heard()
    say('CODE\n'.repeat(21))
    assert.equal(lines.length, 20)
    assert.equal(diagnostics.ignored, 1)
    clock.now = 1000
    say('CODE\n')
    assert.equal(lines.length, 21)
  })
})
