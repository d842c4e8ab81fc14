"""The report in Traditional Chinese, as written in Taiwan."""

from helpers.experiments.store import OTHER_REVISION
from tools.report.language import Language

QUALITY = ("影像 AUROC", "95 % 信賴區間", "像素 AUROC", "AUPRO", "誤報率", "漏檢率")
CHINESE = Language(
    code="zh-TW",
    title="一顆壞榛果：工業影像異常偵測",
    line="資料：{category}（{source}），設定檔「{profile}」。文中數字皆取自文末所列的實驗紀錄。",
    question="第 {number} 題　{title}（{points} 分）",
    titles={
        "data": "認識資料",
        "attempts": "四種嘗試，以及最佳者為何最佳",
        "tail": "長尾資料",
        "strategies": "只用良品影像訓練",
        "labels": "物件偵測與分割所需的資料",
    },
    summaries={
        "data": (
            "本類別（{category}，{source}）共有 {images} 張影像：訓練集 {train} 張全為良品；測試集 "
            "{tested} 張，其中良品 {good} 張、瑕疵品 {defective} 張（{defects}）。因此模型只能學「正常」"
            "的樣子，評估之前從未見過瑕疵。我們讀取了所有檔案的標頭，{sizes}。每個瑕疵都有遮罩，合計 "
            "{regions} 個連通區域，占瑕疵影像面積的 {least} % 到 {most} %，中位數為 {middle} %；"
            "若對整張影像取平均，小瑕疵就會被淹沒。準確率會誤導人：一律回答「有瑕疵」，在此測試集就有 "
            "{always} % 正確。所以我們採用 AUROC 並附上信賴區間，畢竟只有 {good} × {defective} "
            "組配對。一張完全不看影像、只是中央較亮的異常圖，像素 AUROC 就有 {blind}。"
            "閾值只由保留的良品影像決定。"
        ),
        "attempts": (
            "所有嘗試都使用相同的 {train} 張良品影像訓練，以相同的 {tested} 張測試影像評估，並以 {seeds} "
            "個亂數種子重複；一律採用最後一個訓練週期，不挑最好的。基準自編碼器的影像 AUROC 為 {baseline}。"
            "{lead}。可能的原因：{reason}。其他 {gains} 種嘗試中，有 {proven} "
            "種可證明比基準好。最低的是「{worst}」，{lowest}。最容易的瑕疵是{easiest}，"
            "最難的是{hardest}；閾值設定為二十張良品誤報一張時，{defective} 張瑕疵影像中有 {escaped} "
            "張被所有嘗試漏檢。各嘗試異常圖的 AUPRO 介於 {aupro_from} 與 {aupro_to} 之間。換一種產品，"
            "贏家可能不同；應依不容漏檢的瑕疵來選擇。"
        ),
        "tail": (
            "少數類別占了大多數樣本，就稱為長尾資料：此處良品有 {most} 張，最少的瑕疵只有 {fewest} 張，"
            "不平衡係數為 {factor}。我們選用 Balanced-MixUp（Galdran、Carneiro 與 González Ballester，"
            "MICCAI 2021）：一個批次採實例平衡抽樣，另一個採類別平衡抽樣，再以混合後的影像訓練，後者占比 "
            "λ ~ Beta({alpha}, 1)。罕見影像因此經常出現（多半很淡），且從不重複。以 {tested} 張較難的新影像評估，"
            "平衡準確率由 {accuracy_from} {accuracy_moves} {accuracy_to}（{gain}，{seeds} "
            "個種子、經 {remedies} 種方法多重比較校正的信賴區間為 {low} 到 {high}）：{shown}；校準誤差由 {error_from} {error_moves} {error_to}。"
            "{others}。混合需要有標註的瑕疵，因此無法只用良品訓練偵測器；{turn}。"
            "所以工廠應先採用單類別偵測器，收集並標註被攔下的零件，日後再加入分類器。"
        ),
        "strategies": (
            "只看得到良品的偵測器，必須說明何謂「正常」：自編碼器、GAN 與擴散模型重建它，記憶庫儲存它，"
            "標準化流學習其機率密度，學生網路模仿教師；CutPaste 產生合成瑕疵。在 {tested} 張相同影像上，"
            "影像 AUROC 為：基準自編碼器 {baseline}、{others}。「{best}」最佳；其他 {behind} "
            "種與之相比：{worse} 種較差，{equal} 種在 {margin} 之內一樣好，{open} 種無法區分。"
            "PatchCore 是記憶庫，FastFlow 是密度模型，都不是模仿學習。"
            "由良品決定的閾值攔下 {false_alarms} 的良品，預期為 {expected}。"
        ),
        "labels": (
            "要找出並描繪損傷的模型，必須先被告知損傷在哪裡。{pictures} 張影像的遮罩可得 {objects} 個物件，"
            "分屬 {classes} 個類別，每個連通區域算一個。標註前先寫下兩條規則（小於 {least_area} "
            "像素者不計；相距 {join_within} 像素以內者合併），則剩下 {joined} 個。邊界框寫成 COCO、Pascal VOC "
            "與 YOLO 格式，輪廓存為多邊形或遊程編碼，再交給開放詞彙偵測器或 SAM。讀回之後，{formats} "
            "種寫法中有 {exact} 種能完全還原 {masks} 張遮罩；只留邊界框並填滿，平均 IoU 僅 {box_iou}。"
            "標準答案與自身比對，AP 為 {self_ap}；若輪廓簡化兩個像素，完美模型的 AP 上限只剩 {capped_ap}。"
            "所有標註瑕疵都在測試集裡：取 {train} 張訓練、{val} 張驗證，兩者不重複；由此得到的數字，"
            "不可與單類別偵測器的結果並列。{trained}"
        ),
    },
    headers={
        "data": ("類別", "合計"),
        "attempts": ("嘗試", *QUALITY),
        "tail": ("方法", "平衡準確率", "相對於一般訓練的增益", "95 % 信賴區間", "校準誤差"),
        "strategies": ("方法", *QUALITY),
        "labels": ("格式", "遮罩", "完全還原", "平均 IoU"),
    },
    captions={
        "data": "各類別的測試影像各一張，輪廓線為瑕疵遮罩的邊界。",
        "attempts": "在相同測試影像上，各嘗試相對於基準的增益。",
        "tail": "標註瑕疵的效益：在第 3 題較難的榛果上判斷良品或瑕疵。",
        "strategies": "品質（附 95 % 信賴區間）與單張影像所需時間。",
        "labels": "套用兩條規則之後，各物件的邊界框。",
    },
    phrases={
        "one size": "全部都是 {width} × {height} 像素，色彩模式 {mode}",
        "sizes": "共有 {count} 種不同的尺寸或色彩模式",
        "defects": "{defect} {count} 張",
        "none better": "沒有任何嘗試超過它",
        "best": "最佳者為「{name}」，{auroc}。{told}",
        "better": (
            "「{name}」比「{reference}」好 {size}（95 % 信賴區間 {low} 到 {high}，{seeds} 個種子，"
            "依 {comparisons} 次比較校正）"
        ),
        "worse": (
            "「{name}」比「{reference}」差 {size}（95 % 信賴區間 {low} 到 {high}，{seeds} 個種子，"
            "依 {comparisons} 次比較校正）"
        ),
        "as good": (
            "「{name}」與「{reference}」在 {margin} 之內一樣好：{gain}（95 % 信賴區間 {low} 到 {high}，"
            "{seeds} 個種子，依 {comparisons} 次比較校正）"
        ),
        "not shown": (
            "「{name}」與「{reference}」無法區分：{gain}（95 % 信賴區間 {low} 到 {high}，{seeds} 個種子，"
            "依 {comparisons} 次比較校正）"
        ),
        "no remedy better": "沒有其他方法的平均更佳",
        "a remedy better": "「{name}」的平均最佳，達 {accuracy}：{shown}",
        "gain shown": "增益得到證實",
        "gain not shown": "增益未證實",
        "no labels": "單類別偵測器則完全不需要",
        "rises": "升至",
        "falls": "降至",
        "range": "{low} 到 {high}",
        "boxes": "每種瑕疵標註 {labels} 張其他影像，偵測器的 AP50 為 {value}。",
        "masks": "標註 {labels} 張時，分割模型的平均 IoU 為 {value}。",
        "fault": "{count} 份紀錄{what}",
        "caveat": "注意：{faults}。這些紀錄的數字可能已經過時。",
    },
    reasons={
        "Baseline autoencoder": "難以重建之處正好就是受損之處",
        "Pretrained encoder": "編碼器帶來少量影像教不會的知識",
        "Feature reconstruction": "它在凍結網路的特徵上比較差異",
        "CutPaste": "一處異常便使整張影像看來不同",
        "CutPaste, patch-wise": "它逐塊細看，並以人造損傷訓練",
        "SSIM, multi-scale, skips": "它學的是修復，而被修復的正是損傷",
    },
    sources_title="數字出處",
    sources=(
        "{records} 份紀錄，位於 {folders}；影像指紋 {images}。第 1 題的數字由檔案統計，"
        "第 5 題由遮罩計算。",
        "程式版本：{codes}。",
        "軟體版本：{versions}；執行環境：{machines}。",
    ),
    axes={
        "gain": "影像 AUROC 相對於基準的增益，附 95 % 信賴區間",
        "shots": "每種瑕疵的標註影像數",
        "auroc": "影像 AUROC",
        "alone": "單張影像所需毫秒數",
    },
    names={
        "Baseline autoencoder": "基準自編碼器",
        "Pretrained encoder": "預訓練編碼器",
        "Feature reconstruction": "特徵重建",
        "CutPaste, patch-wise": "CutPaste（局部區塊）",
        "SSIM, multi-scale, skips": "SSIM、多尺度、跳躍連接",
        "Contrastive memory": "對比學習記憶庫",
        "Student–teacher": "學生與教師網路",
        "Diffusion": "擴散模型",
        "CutPaste, synthetic defects": "CutPaste（虛構瑕疵）",
        "CutPaste, generated textures": "CutPaste（生成瑕疵）",
        "Long tail": "長尾資料",
        "plain": "一般訓練",
        "class-balanced sampling": "類別平衡抽樣",
        "class weights": "類別加權",
        "logit adjustment": "logit 調整",
        "training": "訓練",
        "test": "測試",
        "good": "良品",
        "crack": "裂痕",
        "cut": "切口",
        "hole": "孔洞",
        "print": "印痕",
        "hazelnut": "榛果",
        "grid": "網格",
        "generated": "程式生成",
        "own pictures": "自有影像",
        "COCO, polygons": "COCO，多邊形",
        "COCO, run lengths": "COCO，遊程編碼",
        "YOLO, polygons": "YOLO，多邊形",
        "Pascal VOC, indexed PNG": "Pascal VOC，索引 PNG",
        "YOLO, boxes": "YOLO，邊界框",
        OTHER_REVISION: "由其他版本的程式產生",
    },
    comma="、",
    last="、",
    semicolon="；",
)
