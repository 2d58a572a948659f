import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { addAnswers } from './epoch-answer.ts'
import { addHistory } from './epoch-history.ts'
import { addPropose } from './epoch-propose.ts'
import { addEpochStatus } from './epoch-status.ts'

/** `holdfast epoch …`: who the members are, and how that changes (03 §12). */
export function addEpoch(program: Command, context: Context): void {
  const epoch = program
    .command('epoch')
    .description("the committee of one's own node: who its members are, and how that changes")
  addEpochStatus(epoch, context)
  addPropose(epoch, context)
  addAnswers(epoch, context)
  addHistory(epoch, context)
}
