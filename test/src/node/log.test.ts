import assert from 'node:assert/strict'
import { createLog, type LogFields } from '../../../src/node/log.ts'

describe('log', () => {
  const lines: string[] = []
  const to = { write: (line: string) => void lines.push(line) }
  beforeEach(() => {
    lines.length = 0
  })
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}')

  it('writes the event and the listed fields, and nothing about the machine', () => {
    createLog('info', to).info('link-up', { peer: 'abc', count: 2 })
    const { time, ...rest } = last()
    assert.equal(typeof time, 'string')
    assert.deepEqual(rest, { level: 30, event: 'link-up', peer: 'abc', count: 2 })
  })

  it('drops what is not listed, or of another type, even past the compiler', () => {
    const secret = { seed: 'deadbeef', peer: { secret: 'deadbeef' }, count: 'deadbeef' }
    createLog('info', to).info('x', secret as unknown as LogFields)
    assert.ok(!lines.join().includes('deadbeef'))
  })

  it('cuts texts that a peer may have chosen', () => {
    createLog('info', to).info('x', { reason: 'a'.repeat(10_000) })
    assert.equal(String(last()['reason']).length, 256)
  })

  it('is silent below its level', () => {
    createLog('warn', to).info('x')
    assert.deepEqual(lines, [])
  })
})
