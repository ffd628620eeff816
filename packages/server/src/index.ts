export {
  type BuiltInCollectionConfig,
  type CollectionConfig,
  type Config,
  defineConfig,
} from "./config/define-config.ts";
