import type { DataValue } from './plan.ts';

/** Reads the rows of a data file by the ending of its name. @throws SyntaxError with the line, where there is one */
export function parseRows(name: string, text: string): readonly DataValue[] {
  if (name.endsWith('.csv')) return parseCsv(text);
  if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) {
    return text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [parseLine(line, at + 1)]));
  }
  // What JSON.parse gives is a DataValue by construction.
  const value = JSON.parse(text) as DataValue;
  if (!Array.isArray(value)) throw new SyntaxError('it holds no array of rows');
  return value as readonly DataValue[]; // `as`: isArray narrows a readonly union to any[]
}

function parseLine(line: string, number: number): DataValue {
  try {
    return JSON.parse(line) as DataValue; // what JSON.parse gives is a DataValue by construction
  } catch (cause) {
    throw new SyntaxError(`line ${number} is no JSON`, { cause });
  }
}

/** RFC 4180: the first record names the fields; quoted fields may hold commas, line breaks and doubled quotes. */
function parseCsv(text: string): readonly DataValue[] {
  const records: string[][] = [];
  let record: string[] = [];
  let field = '';
  let quoted = false;
  const endRecord = (): void => {
    record.push(field);
    field = '';
    if (record.length > 1 || record[0] !== '') records.push(record);
    record = [];
  };
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  for (let at = 0; at < body.length; at++) {
    const character = body.charAt(at);
    if (quoted) {
      if (character !== '"') field += character;
      else if (body.charAt(at + 1) === '"') {
        field += '"';
        at++;
      } else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === ',') {
      record.push(field);
      field = '';
    } else if (character === '\n') endRecord();
    else if (character !== '\r' || body.charAt(at + 1) !== '\n') field += character;
  }
  if (quoted) throw new SyntaxError('a quoted field does not end');
  if (field !== '' || record.length > 0) endRecord();
  const [names = [], ...rows] = records;
  return rows.map((row, at) => {
    if (row.length !== names.length) {
      throw new SyntaxError(`record ${at + 2} has ${row.length} fields, the first has ${names.length}`);
    }
    return Object.fromEntries(names.map((name, column) => [name, row[column] ?? '']));
  });
}
