import { layerOf, withLayer } from '../../config/content.ts';
import { flatPatch, patched } from '../../config/merge-patch.ts';
import { registry } from '../../config/registry.ts';
import type { ConfigContent } from '../../contract/configuration.ts';
import { AutopilotError } from '../../kernel/errors.ts';
import { nearestName } from '../../kernel/nearest-name.ts';

/** What a merge patch of nested settings makes of a content, in the layer of the fleet or of an instance. @throws AutopilotError AP_CONFIG_INVALID, AP_BODY_INVALID */
export function patchOf(patch: unknown, instance: string | null): (content: ConfigContent) => ConfigContent {
  return (content) => {
    const values = layerOf(content, instance);
    const flat = flatPatch(patch, Object.keys(values));
    const unknown = Object.keys(flat.set).filter((key) => !registry.has(key));
    if (unknown.length > 0) {
      const named = unknown.slice(0, 10).map((key) => {
        const nearest = nearestName(key, registry.keys());
        return nearest === null ? key : `${key} (${nearest} was probably meant)`;
      });
      throw new AutopilotError('AP_CONFIG_INVALID', `No setting of this release is called ${named.join(', ')}.`, {
        remedy: 'Nothing was changed. GET /api/v1/config/schema lists the settings.',
      });
    }
    return withLayer(content, instance, patched(values, flat));
  };
}
