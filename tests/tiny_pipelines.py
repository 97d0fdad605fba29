"""Makes small diffusers pipelines of random weights, without a network: ``python -m`` KIND FOLDER.

The tokenizers are trained on the sentences below; everything else is drawn from a seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLWan,
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    WanPipeline,
    WanTransformer3DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

SENTENCES = (
    "a paper boat drifts under a stone bridge",
    "two foxes sleep in the snow beside a red barn",
    "blurry, cropped, washed out",
)
TOKENS = 16
WIDTH = 32


def tokenizer(*, begin: str | None = None) -> PreTrainedTokenizerFast:
    """A word tokenizer that ends each text, and begins it too where ``begin`` is given."""
    ends = [one for one in (begin, "</s>") if one]
    known = Tokenizer(models.WordLevel(unk_token="<unk>"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(special_tokens=["<pad>", "<unk>", *ends])
    known.train_from_iterator(SENTENCES, trainer)
    known.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A </s>" if begin else "$A </s>",
        special_tokens=[(one, known.token_to_id(one)) for one in ends],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=known,
        model_max_length=TOKENS,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="</s>",
        bos_token=begin,
    )


def t5(kind: type, config: type, words: int) -> torch.nn.Module:
    shape = {"d_model": WIDTH, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    return kind(config(vocab_size=words, is_encoder_decoder=False, use_cache=False, **shape)).eval()


def wan_transformer(layers: int) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=WIDTH,
        num_layers=layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )


def wan_parts() -> dict[str, object]:
    words = tokenizer()
    return {
        "tokenizer": words,
        "text_encoder": t5(UMT5EncoderModel, UMT5Config, len(words)),
        "vae": AutoencoderKLWan(
            base_dim=3,
            z_dim=16,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=5.0),
    }


def wan(layers: int = 2) -> WanPipeline:
    return WanPipeline(transformer=wan_transformer(layers), **wan_parts())


def wan_dual() -> WanPipeline:
    """Two transformers, the second for the steps below half of the noise, as in Wan 2.2."""
    return WanPipeline(
        transformer=wan_transformer(2),
        transformer_2=wan_transformer(1),
        boundary_ratio=0.5,
        **wan_parts(),
    )


def flux() -> FluxPipeline:
    return FluxPipeline(**flux_parts())


def flux_edit() -> FluxKontextPipeline:
    """Its picture goes through the VAE, and stands beside the noise in every step."""
    return FluxKontextPipeline(**flux_parts())


def flux_parts() -> dict[str, object]:
    first, second = tokenizer(begin="<s>"), tokenizer()
    clip = CLIPTextConfig(
        vocab_size=len(first),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        projection_dim=WIDTH,
        bos_token_id=first.bos_token_id,
        eos_token_id=first.eos_token_id,
        pad_token_id=first.pad_token_id,
    )
    return {
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "text_encoder": CLIPTextModel(clip).eval(),
        "text_encoder_2": t5(T5EncoderModel, T5Config, len(second)),
        "tokenizer": first,
        "tokenizer_2": second,
        "transformer": FluxTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            axes_dims_rope=(4, 4, 8),
        ),
        "vae": AutoencoderKL(
            sample_size=32,
            in_channels=3,
            out_channels=3,
            block_out_channels=(4,),
            layers_per_block=1,
            latent_channels=1,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.06,
            scaling_factor=1.5,
        ),
    }


def unet() -> StableDiffusionPipeline:
    """Its UNet is called once a step for both prompts, and its scheduler takes an ``eta``."""
    parts = flux_parts()
    return StableDiffusionPipeline(
        vae=AutoencoderKL(block_out_channels=(4,), norm_num_groups=1),
        text_encoder=parts["text_encoder"],
        tokenizer=parts["tokenizer"],
        unet=UNet2DConditionModel(
            sample_size=8,
            layers_per_block=1,
            block_out_channels=(4, 8),
            norm_num_groups=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=WIDTH,
            attention_head_dim=2,
        ),
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


KINDS: Mapping[str, Callable[[], object]] = {
    "flux": flux,
    "flux-edit": flux_edit,
    "unet": unet,
    "wan": wan,
    "wan-deep": lambda: wan(layers=24),
    "wan-dual": wan_dual,
}


def main(folder: Path, *kinds: str) -> None:
    for kind in kinds:
        torch.manual_seed(7)
        KINDS[kind]().save_pretrained(folder / kind)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
