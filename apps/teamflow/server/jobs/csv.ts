/**
 * One line of CSV (RFC 4180). A text that a spreadsheet would run as a formula is led by an apostrophe, as OWASP advises
 * ("CSV Injection"): titles come from whoever may write tasks.
 */
export function csvLine(values: readonly (string | number | null)[]): string {
  return `${values.map(csvValue).join(',')}\r\n`;
}

function csvValue(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
